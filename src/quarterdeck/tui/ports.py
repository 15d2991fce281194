"""What the screen needs of the controller, by data: a port for each kind.

The screen knows nothing below these protocols; `bootstrap` joins them with the runtime. Methods that answer
a person return one line for the notice: what happened or why nothing did (`Receipt`).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from quarterdeck.domain.archive import EVERYWHERE, LastSession, SearchFound, SearchScope, StoredRun
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import PermissionScope, StepComment
from quarterdeck.domain.teammates import PermissionMode, SpawnResult, Way
from quarterdeck.state.actions import Action
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry


class Receipt(msgspec.Struct, frozen=True):
    """What became of something the person asked for."""

    done: bool
    text: str = ""
    """One line for the notice; empty = nothing to say beyond what the screen shows."""


class TeammatesPort(Protocol):
    """Starting, holding and ending runs."""

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool = False) -> SpawnResult:
        """Start a resident teammate; `prompt` may be empty (it waits for a message)."""
        ...

    def kill(self, run_ids: Sequence[RunId]) -> Receipt:
        """Kill each now; the facts of the proof follow by themselves."""
        ...

    def stop(self, run_id: RunId) -> Receipt:
        """Ask for a last report; asked again before the closing step: take it back."""
        ...

    def pause(self, run_id: RunId) -> Receipt:
        """Pause, or continue what is paused."""
        ...

    def pause_all(self) -> Receipt:
        """The brake: pause all at once; when all are paused, continue all."""
        ...

    def interrupt(self, run_ids: Sequence[RunId]) -> Receipt:
        """End the open turns; the teammates stay, idle."""
        ...

    async def revive(self, run_id: RunId, message: str = "") -> SpawnResult:
        """A new run on the whole conversation of an ended one."""
        ...

    def rename(self, run_id: RunId, name: str) -> Receipt:
        """Give another name."""
        ...

    def choose_model(self, run_id: RunId, model: str) -> Receipt:
        """Ask another model from the next request on."""
        ...

    def descendants(self, run_id: RunId) -> tuple[RunId, ...]:
        """Living runs that this run spawned, and theirs: what a kill of it takes along."""
        ...

    def view(self, run_id: RunId | None) -> None:
        """The person's focus is in this run's transcript, request or composer (None: in none)."""
        ...

    def see(self, run_id: RunId) -> None:
        """The person opened or acted on an ended row."""
        ...


class ConversationPort(Protocol):
    """Talking to a teammate, and what was said before the window."""

    def send(self, run_id: RunId, text: str, way: Way) -> Receipt:
        """Write to a living teammate; a message to an ended one is refused with what to do."""
        ...

    def withdraw_last(self, run_id: RunId) -> str | None:
        """Take the person's last message back while it is queued; its text, or None."""
        ...

    def last_sent(self, run_id: RunId) -> str | None:
        """The text of the person's last message to it, queued or not."""
        ...

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first; of evicted runs too.

        :raises ArchiveGone: what was said before can't be read.
        """
        ...


class RequestsPort(Protocol):
    """The person's answers, each bound to an id and a version. `Receipt.done` = it counted.

    The answer to a request that outlived its run revives the teammate and is told to it.
    """

    def approve_plan(
        self, request_id: RequestId, version: int, *, mode: PermissionMode, edited_text: str | None = None
    ) -> Receipt:
        """The teammate goes on in `mode`."""
        ...

    def reject_plan(
        self, request_id: RequestId, version: int, *, feedback: str, comments: tuple[StepComment, ...] = ()
    ) -> Receipt:
        """The teammate plans again."""
        ...

    def allow(
        self, request_id: RequestId, version: int, *, scope: PermissionScope, rule: str | None = None
    ) -> Receipt:
        """This call, or with a wider scope also `rule` from now on (which answers what already waits)."""
        ...

    def deny(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        """Not this call."""
        ...

    def answer(self, request_id: RequestId, version: int, *, text: str) -> Receipt:
        """The answer to a question."""
        ...

    def decline(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        """No answer; the teammate goes on without."""
        ...

    def dismiss(self, request_id: RequestId, version: int) -> Receipt:
        """Drop a request that outlived its run; nobody is told."""
        ...


class EditorGone(Exception):
    """The person's editor gave nothing back; one line for the notice."""


class SessionPort(Protocol):
    """The session as a whole."""

    def models(self) -> tuple[str, ...]:
        """Models known so far, for completion."""
        ...

    def files(self, prefix: str) -> tuple[str, ...]:
        """Files of the folder whose path starts with `prefix`, for completion; at most 50."""
        ...

    async def edit(self, text: str) -> str:
        """The text as the person's own editor saved it; the terminal is free meanwhile.

        :raises EditorGone: it did not come back; the text of the error is for the notice.
        """
        ...

    def save_theme(self, name: str) -> Receipt:
        """Keep the person's choice of a theme in their settings."""
        ...

    async def last_here(self) -> LastSession | None:
        """The newest earlier session of this folder that could go on; None = there is none."""
        ...

    def comes_back(self) -> bool:
        """Whether the session is kept on disk, so that it can be continued."""
        ...


class ArchiveGone(Exception):
    """What is kept can't be read; one line for the notice."""


class ArchivePort(Protocol):
    """What was said and done before, in this session and in others. :raises ArchiveGone: every method."""

    async def search(self, words: str, scope: SearchScope = EVERYWHERE) -> SearchFound:
        """Where in `scope` all these words were said, newest first; an empty answer for no words."""
        ...

    async def runs(self) -> tuple[StoredRun, ...]:
        """Runs of every other session, newest first."""
        ...

    async def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first, of a run of any session."""
        ...


class PastPort(Protocol):
    """This session's own past. :raises ArchiveGone: every method."""

    async def facts(self) -> tuple[tuple[int, Action], ...]:
        """Every durable fact so far, with its number, in order."""
        ...

    async def state_at(self, sequence: int) -> AppState:
        """The state as it was after the fact of this number: the fold of the durable facts up to it."""
        ...


class Controller(msgspec.Struct, frozen=True):
    """The ports, handed to the screen as one value."""

    teammates: TeammatesPort
    conversation: ConversationPort
    requests: RequestsPort
    session: SessionPort
    archive: ArchivePort
    past: PastPort
