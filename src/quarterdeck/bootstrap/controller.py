"""The screen's ports, joined with the runtime. Each answers with one line for the notice."""

import importlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from quarterdeck.bootstrap.archive import NothingKept, StoredArchive
from quarterdeck.bootstrap.past import StoredPast
from quarterdeck.bootstrap.session import Session
from quarterdeck.config.settings import save_theme
from quarterdeck.domain.archive import LastSession
from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import (
    PermissionDenied,
    PermissionGiven,
    PermissionRequest,
    PermissionScope,
    PlanApproved,
    PlanRejected,
    QuestionAnswered,
    QuestionDeclined,
    StepComment,
    request_kind,
)
from quarterdeck.domain.teammates import Lifecycle, PermissionMode, SpawnConfig, SpawnResult, Way
from quarterdeck.permissions.rules import Rule, RuleFault, allows, parse_rule
from quarterdeck.processes.editor import EditorFault, edit_text
from quarterdeck.runtime.teammate import PERSON
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Entry, Said
from quarterdeck.state.selectors import select_agent_ids, select_descendants, select_living, select_requests
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.ports import ArchivePort, Controller, EditorGone, Receipt

DONE = Receipt(True)


class Teammates:
    """`TeammatesPort` over the supervisor."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool = False) -> SpawnResult:
        """A resident teammate; the name `lead` makes the lead."""
        is_lead = name.casefold() == "lead"
        return self._session.supervisor.spawn(
            SpawnConfig(name=name, prompt=prompt, plan_mode_required=plan_mode, is_lead=is_lead)
        )

    def kill(self, run_ids: Sequence[RunId]) -> Receipt:
        """Each now."""
        names = [self._mate(run_id).name for run_id in run_ids if self._session.supervisor.kill(run_id)]
        match names:
            case []:
                return Receipt(False, "It had ended already; nothing was killed.")
            case [name]:
                return Receipt(True, f"{name} killed. r revives it.")
        return Receipt(True, f"{len(names)} killed: {', '.join(names[:6])}{'…' if len(names) > 6 else ''}.")

    def stop(self, run_id: RunId) -> Receipt:
        """Ask, or take the asking back."""
        mate = self._mate(run_id)
        supervisor = self._session.supervisor
        if mate.lifecycle is Lifecycle.TERMINATING:
            if supervisor.take_back_stop(run_id):
                return Receipt(True, f"{mate.name} goes on; the stop is taken back.")
            return Receipt(False, f"{mate.name} writes its last report; that can't be taken back.")
        if not supervisor.stop(run_id):
            return Receipt(False, f"{mate.name} has ended already.")
        seconds = self._session.config.stop_deadline_s
        return Receipt(
            True, f"{mate.name} finishes its tool and gives a last report, {seconds:.0f}s at most."
        )

    def pause(self, run_id: RunId) -> Receipt:
        """Pause or continue."""
        mate = self._mate(run_id)
        if mate.lifecycle is Lifecycle.PAUSED:
            done = self._session.supervisor.proceed(run_id)
            return Receipt(done, f"{mate.name} goes on.")
        if self._session.supervisor.pause(run_id):
            return Receipt(
                True, f"{mate.name} is paused: what runs finishes, nothing new starts. p continues."
            )
        return Receipt(False, f"{mate.name} can't be paused now: it is {mate.lifecycle.value}.")

    def pause_all(self) -> Receipt:
        """The brake."""
        supervisor = self._session.supervisor
        living = select_living(self._session.store.state.team)
        paused = [mate for mate in living if supervisor.pause(mate.run_id)]
        if paused:
            return Receipt(True, f"{len(paused)} paused: nothing new starts. ctrl+x p continues all.")
        going = [mate for mate in living if supervisor.proceed(mate.run_id)]
        if going:
            return Receipt(True, f"{len(going)} go on.")
        return Receipt(False, "Nobody is there to pause.")

    def interrupt(self, run_ids: Sequence[RunId]) -> Receipt:
        """End open turns."""
        names = [self._mate(one).name for one in run_ids if self._session.supervisor.interrupt(one)]
        if not names:
            return Receipt(False, "No turn is open; nothing was interrupted.")
        word = names[0] if len(names) == 1 else f"{len(names)} teammates"
        return Receipt(True, f"{word} interrupted: idle now, with the whole conversation.")

    async def revive(self, run_id: RunId, message: str = "") -> SpawnResult:
        """A new run on the old conversation."""
        await self._session.prepare_revival(run_id)
        return self._session.supervisor.revive(run_id, message)

    def rename(self, run_id: RunId, name: str) -> Receipt:
        """Another name."""
        old = self._mate(run_id).name
        fault = self._session.supervisor.rename(run_id, name)
        return Receipt(not fault, fault or f"{old} is now {name}.")

    def choose_model(self, run_id: RunId, model: str) -> Receipt:
        """Another model from the next request on."""
        mate = self._mate(run_id)
        if mate.is_terminal:
            return Receipt(False, f"{mate.name} has ended; its model stays.")
        session = self._session
        session.dispatch(did.ModelChosen(at=session.clock.wall(), run_id=run_id, model=model))
        return Receipt(True, f"{mate.name} asks {clean_line(model)} from its next request on.")

    def descendants(self, run_id: RunId) -> tuple[RunId, ...]:
        """What a kill of it takes along."""
        return select_descendants(self._session.store.state.team, run_id)

    def view(self, run_id: RunId | None) -> None:
        """A fact for the rows' delay."""
        session = self._session
        if session.store.state.team.viewed != run_id:
            session.dispatch(did.TeammateViewed(at=session.clock.wall(), run_id=run_id))

    def see(self, run_id: RunId) -> None:
        """The delay of a failed row starts."""
        mate = self._session.store.state.team.by_run.get(run_id)
        if mate is not None and mate.is_terminal and mate.seen_at is None:
            self._session.dispatch(did.TeammateSeen(at=self._session.clock.wall(), run_id=run_id))

    def _mate(self, run_id: RunId) -> Teammate:
        return self._session.store.state.team.by_run[run_id]


class Conversation:
    """`ConversationPort` over the mail and the kept conversations."""

    def __init__(self, session: Session, archive: ArchivePort | None = None) -> None:
        self._session = session
        self._archive = archive or NothingKept()
        self._sent: dict[RunId, str] = {}

    def send(self, run_id: RunId, text: str, way: Way) -> Receipt:
        """To a living teammate."""
        mate = self._session.store.state.team.by_run[run_id]
        if self._session.supervisor.send(run_id, PERSON, text, way) is None:
            outcome = mate.outcome.value if mate.outcome is not None else "over"
            return Receipt(False, f"{mate.name} has ended ({outcome}). r revives it, then you can write.")
        self._sent[run_id] = text
        if mate.lifecycle is Lifecycle.PAUSED:
            return Receipt(True, f"Queued: {mate.name} is paused, p continues it.")
        if mate.place is Lifecycle.WAITING:
            return Receipt(True, f"Queued: {mate.name} gets it with your answer.")
        return DONE

    def withdraw_last(self, run_id: RunId) -> str | None:
        """The newest queued message of the person."""
        queue = self._session.store.state.mail.get(run_id, ())
        mine = [mail for mail in queue if mail.sender == PERSON]
        if not mine:
            return None
        self._session.supervisor.withdraw(run_id, mine[-1].id)
        return mine[-1].text

    def last_sent(self, run_id: RunId) -> str | None:
        """What the person said last to it."""
        if run_id in self._sent:
            return self._sent[run_id]
        transcript = self._session.store.state.transcripts.get(run_id)
        said = [
            entry.text
            for entry in (transcript.entries if transcript is not None else ())
            if isinstance(entry, Said) and entry.sender == PERSON
        ]
        return said[-1] if said else None

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Older entries: from memory, and what an earlier process said from disk. :raises ArchiveGone."""
        conversations = self._session.conversations
        found = conversations.page(run_id, before=before, count=count)
        first = conversations.first_in_memory(run_id)
        missing = count - len(found)
        if first <= 1 or not missing or (found and found[0].id > first):
            return found
        older = await self._archive.page(self._session.id, run_id, before=min(before, first), count=missing)
        return (*older, *found)


class Answers:
    """`RequestsPort`: every answer carries id and version."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def approve_plan(
        self, request_id: RequestId, version: int, *, mode: PermissionMode, edited_text: str | None = None
    ) -> Receipt:
        """Go on."""
        if mode in (PermissionMode.BYPASS, PermissionMode.PLAN):
            return Receipt(False, f"A plan can't be approved into mode {mode.value}.")
        fault = self._session.answer(request_id, version, PlanApproved(mode, edited_text))
        return Receipt(not fault, fault or f"Plan v{version} approved, mode {mode.value}.")

    def reject_plan(
        self, request_id: RequestId, version: int, *, feedback: str, comments: tuple[StepComment, ...] = ()
    ) -> Receipt:
        """Plan again."""
        fault = self._session.answer(request_id, version, PlanRejected(feedback, comments))
        return Receipt(not fault, fault or f"Plan v{version} rejected; it plans again.")

    def allow(
        self, request_id: RequestId, version: int, *, scope: PermissionScope, rule: str | None = None
    ) -> Receipt:
        """This call; wider: also the rule."""
        request = self._session.store.state.inbox.by_id.get(request_id)
        if scope is not PermissionScope.ONCE:
            fault = self._check_rule(request, rule)
            if fault:
                return Receipt(False, fault)
        fault = self._session.answer(
            request_id, version, PermissionGiven(scope, None if scope is PermissionScope.ONCE else rule)
        )
        if fault or scope is PermissionScope.ONCE or rule is None:
            return Receipt(not fault, fault or "Allowed once.")
        assert isinstance(request, PermissionRequest)  # _check_rule said so
        also = self._give_rule(request, scope, rule)
        more = f" It also answered {also} that waited." if also else ""
        return Receipt(True, f"Allowed {rule} for this {scope.value}, this session.{more}")

    def deny(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        """Not this call."""
        fault = self._session.answer(request_id, version, PermissionDenied(reason))
        return Receipt(not fault, fault or "Denied, this one call.")

    def answer(self, request_id: RequestId, version: int, *, text: str) -> Receipt:
        """The person's words."""
        fault = self._session.answer(request_id, version, QuestionAnswered(text))
        return Receipt(not fault, fault or "Answered.")

    def decline(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        """No answer."""
        fault = self._session.answer(request_id, version, QuestionDeclined(reason))
        return Receipt(not fault, fault or "Declined; it goes on without.")

    def dismiss(self, request_id: RequestId, version: int) -> Receipt:
        """Nobody will answer it."""
        session = self._session
        request = session.store.state.inbox.by_id.get(request_id)
        if request is None or request_id not in session.store.state.inbox.suspended:
            return Receipt(False, "It waits for nothing any more; nothing was dropped.")
        if request.version != version:
            return Receipt(False, f"It changed to v{request.version} meanwhile. Nothing was dropped.")
        session.dispatch(
            did.RequestWithdrawn(at=session.clock.wall(), request_id=request_id, reason="dropped by you")
        )
        return Receipt(True, f"The {request_kind(request)} is dropped. r revives its teammate.")

    def _check_rule(self, request: object, rule: str | None) -> str:
        if not isinstance(request, PermissionRequest) or rule is None or request.rule is None:
            return "That can't be allowed by a rule. a allows it once."
        try:
            parse_rule(rule)
        except RuleFault as fault:
            return str(fault)
        return ""

    def _give_rule(self, request: PermissionRequest, scope: PermissionScope, rule: str) -> int:
        """Store the rule; how many other open requests it answered."""
        session = self._session
        mate = session.store.state.team.by_run[request.run_id]
        is_team = scope is PermissionScope.TEAM
        session.dispatch(
            did.RuleGiven(
                at=session.clock.wall(),
                rule=rule,
                agent_id=None if is_team else mate.agent_id,
                team=mate.team if is_team else None,
            )
        )
        answered = 0
        team = session.store.state.team
        parsed = parse_rule(rule)
        for other in select_requests(session.store.state):
            if not isinstance(other, PermissionRequest) or not _covers(parsed, other):
                continue
            is_member = is_team and team.by_run[other.run_id].team == mate.team
            if is_member or mate.agent_id in select_agent_ids(team, other.run_id):
                given = PermissionGiven(PermissionScope.ONCE, rule)
                answered += not session.requests.answer(other.id, other.version, given)
        return answered


def _covers(rule: Rule, request: PermissionRequest) -> bool:
    """Whether the rule answers what waits already, as it would answer a new call."""
    is_outside = request.tool != "Bash" and request.subject.startswith("/")
    if is_outside and rule.exact is None:
        return False
    return allows(rule, tool=request.tool, subject=request.subject, real_path=request.subject)


class SessionFacts:
    """`SessionPort`."""

    def __init__(
        self, session: Session, settings_path: Path, list_files: Callable[[str], Sequence[str]]
    ) -> None:
        self._session = session
        self._settings_path = settings_path
        self._list_files = list_files
        self.known_models: tuple[str, ...] = ()

    def models(self) -> tuple[str, ...]:
        """Known so far."""
        chosen = self._session.chosen_model
        return tuple(dict.fromkeys((*((chosen,) if chosen else ()), *self.known_models)))

    def files(self, prefix: str) -> tuple[str, ...]:
        """Of the folder, by path."""
        return tuple(self._list_files(prefix))[:50]

    async def edit(self, text: str) -> str:
        """In a thread: the team goes on meanwhile. :raises EditorGone: it gave nothing back."""
        try:
            return await run_in_thread(lambda: edit_text(text, os.environ), name="editor")
        except EditorFault as fault:
            raise EditorGone(str(fault)) from fault

    async def last_here(self) -> LastSession | None:
        """In a thread. Of a session that is kept nowhere nothing is known."""
        session = self._session
        keeper, folder = session.keeper, Path(session.config.started_in or session.config.folder)
        if keeper is None:
            return None

        def ask() -> LastSession | None:
            resuming = importlib.import_module("quarterdeck.bootstrap.resuming")
            last: LastSession | None = resuming.last_here(keeper.state_folder, folder, but=session.id)
            return last

        return await run_in_thread(ask, name="last session")

    def comes_back(self) -> bool:
        """Kept, as far as the disk has told."""
        keeper = self._session.keeper
        return keeper is not None and keeper.is_kept()

    def save_theme(self, name: str) -> Receipt:
        """Into the settings file."""
        try:
            save_theme(self._settings_path, name)
        except OSError as fault:
            return Receipt(False, f"The theme is on, but was not saved: {fault.strerror}.")
        return Receipt(True, f"Theme {name}, kept in the settings.")


def controller_for(
    session: Session, settings_path: Path, list_files: Callable[[str], Sequence[str]]
) -> Controller:
    """The ports over one session."""
    kept, keeper = NothingKept(), session.keeper
    archive = StoredArchive(keeper.state_folder, session.id) if keeper is not None else kept
    return Controller(
        teammates=Teammates(session),
        conversation=Conversation(session, archive),
        requests=Answers(session),
        session=SessionFacts(session, settings_path, list_files),
        archive=archive,
        past=StoredPast(keeper.place.database, session.kept) if keeper is not None else kept,
    )
