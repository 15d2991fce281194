"""`quarterdeck demo --headless`: plays the person's part of the story and judges every step from outside.

The person rejects the first plan, approves the second, answers the permission and kills `runaway`. Each
step is decided from files, processes and the server's log; the first that does not hold ends it, exit code 1.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from quarterdeck.bootstrap.controller import Answers
from quarterdeck.bootstrap.demo.proof import (
    digest,
    no_request_since,
    processes_in,
    requests_of,
    sessions_in,
    tests_pass,
)
from quarterdeck.bootstrap.demo.stage import (
    REPORT,
    TEST_COMMAND,
    TESTER_COMMAND,
    DemoOptions,
    Stage,
    demo_config,
    set_up,
    spawn_team,
)
from quarterdeck.bootstrap.events import events_of
from quarterdeck.bootstrap.logs import log_events, refuse
from quarterdeck.bootstrap.session import Session
from quarterdeck.bootstrap.signals import on_ending_signal, settle
from quarterdeck.domain.display_text import clean
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionRequest, PermissionScope, PlanRequest, Request
from quarterdeck.domain.teammates import Outcome, PermissionMode
from quarterdeck.runtime.scopes import exit_now
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_request_of

FEEDBACK = "Keep the signature of round_price, and add a test for a negative amount."
QUIET_S = 2.0
"""How long the log is watched after the kill."""


class StepFailed(Exception):
    """A step of the story does not hold; the text says what was found instead."""


class Story:
    """Plays it once."""

    def __init__(self, session: Session, stage: Stage) -> None:
        self._session = session
        self._stage = stage
        self._answers = Answers(session)
        self._runs: dict[str, RunId] = {}
        self._before = digest(stage.folder)

    async def play(self) -> None:
        """All steps in order. :raises StepFailed: one does not hold."""
        await self._tests_fail_first()
        self._runs = spawn_team(self._session)
        first = await self._plan(1)
        self._unchanged("before any approval")
        self._must(self._answers.reject_plan(first.id, 1, feedback=FEEDBACK).done, "plan v1 was not rejected")
        second = await self._plan(2)
        self._revised(first, second)
        self._unchanged("while plan v2 waited")
        approved = self._answers.approve_plan(second.id, 2, mode=PermissionMode.DEFAULT)
        self._must(approved.done, "plan v2 was not approved")
        await self._runaway_runs()
        permission = await self._permission()
        await self._mended()
        self._must(not (self._stage.folder / REPORT).exists(), f"{REPORT} was there before the permission")
        allowed = self._answers.allow(permission.id, permission.version, scope=PermissionScope.ONCE)
        self._must(allowed.done, "the permission was not given")
        await self._reported()
        await self._researched()
        await self._killed()

    # --- steps ----------------------------------------------------------------------------------------

    async def _tests_fail_first(self) -> None:
        passing = await tests_pass(self._session.processes, self._stage.folder, TEST_COMMAND)
        self._must(not passing, "the sample's tests passed before anybody worked")
        self._say("the sample has a failing test")

    async def _plan(self, version: int) -> PlanRequest:
        request = await self._request("coder", lambda one: one.version >= version)
        self._must(isinstance(request, PlanRequest), "coder asks for something else than a plan")
        assert isinstance(request, PlanRequest)
        sent = requests_of(self._stage.log_path, self._runs["coder"])
        self._must(len(sent) >= version, "the server's log has no request of coder")
        self._say(f"coder submitted plan v{version}")
        return request

    def _unchanged(self, when: str) -> None:
        self._must(digest(self._stage.folder) == self._before, f"a file changed {when}")

    def _revised(self, first: PlanRequest, second: PlanRequest) -> None:
        self._must(second.text != first.text, "plan v2 is plan v1 again")
        answered = "negative" in second.text.casefold() and "signature" in second.text.casefold()
        self._must(answered, "plan v2 does not answer the feedback")
        self._say("plan v2 answers the feedback")

    async def _runaway_runs(self) -> None:
        await self._until(
            lambda state: sessions_in(self._stage.folder) >= 4, "runaway never started its daemons"
        )
        self._say(f"runaway has {len(processes_in(self._stage.folder))} processes")

    async def _permission(self) -> PermissionRequest:
        request = await self._request("tester", lambda one: isinstance(one, PermissionRequest))
        assert isinstance(request, PermissionRequest)
        self._must(request.subject == TESTER_COMMAND, "tester asks for another command")
        self._say("tester asks for a permission")
        return request

    async def _mended(self) -> None:
        changed = [path for path, was in self._before.items() if digest(self._stage.folder).get(path) != was]
        self._must(bool(changed), "coder changed no file")
        passing = await tests_pass(self._session.processes, self._stage.folder, TEST_COMMAND)
        self._must(passing, "the sample's tests do not pass")
        self._say(f"coder changed {', '.join(changed)}; the tests pass")

    async def _reported(self) -> None:
        report = self._stage.folder / REPORT
        await self._until(lambda state: report.exists() and "OK" in report.read_text("utf-8"), f"no {REPORT}")
        tester = self._runs["tester"]
        known = len(requests_of(self._stage.log_path, self._runs["coder"]))
        await self._until(
            lambda state: (
                len(requests_of(self._stage.log_path, tester)) >= 4
                and len(requests_of(self._stage.log_path, self._runs["coder"])) >= known
            ),
            "tester did not go on after the permission",
        )
        await self._until(lambda state: self._heard("coder", "tester"), "coder got no message of tester")
        self._say("tester ran the tests and told coder")

    async def _researched(self) -> None:
        run_id = self._runs["researcher"]
        await self._until(
            lambda state: state.team.by_run[run_id].outcome is Outcome.COMPLETED,
            "researcher did not complete",
        )
        self._must(bool(requests_of(self._stage.log_path, run_id)), "researcher asked the model nothing")
        self._say("researcher reported and completed")

    async def _killed(self) -> None:
        run_id = self._runs["runaway"]
        await self._runaway_runs()
        known = requests_of(self._stage.log_path, run_id)
        self._must(bool(known), "runaway asked the model nothing")
        started = self._session.clock.monotonic()
        self._must(self._session.supervisor.kill(run_id), "runaway could not be killed")
        await self._until(lambda state: not processes_in(self._stage.folder), "processes of runaway are left")
        took = self._session.clock.monotonic() - started
        quiet = await no_request_since(self._stage.log_path, run_id, len(known), for_s=QUIET_S)
        self._must(quiet, "runaway asked the model again after it was killed")
        self._must(not processes_in(self._stage.folder), "processes of runaway came back")
        self._say(f"runaway killed: no process left after {took * 1000:.0f} ms, no request since")

    # --- waiting and telling --------------------------------------------------------------------------

    async def _request(self, name: str, wanted: Callable[[Request], bool]) -> Request:
        run_id = self._runs[name]

        def there(state: AppState) -> bool:
            request = select_request_of(state, run_id)
            return request is not None and wanted(request)

        await self._until(there, f"{name} never asked")
        request = select_request_of(self._session.store.state, run_id)
        assert request is not None
        return request

    def _heard(self, receiver: str, sender: str) -> bool:
        history = self._session.conversations.history(self._runs[receiver])
        return any(f"Message from {sender}" in str(message.content) for message in history)

    async def _until(self, holds: Callable[[AppState], bool], otherwise: str) -> None:
        """Wait for facts of the world; a run of the story that failed ends the wait at once."""
        while not holds(self._session.store.state):
            for name, run_id in self._runs.items():
                mate = self._session.store.state.team.by_run[run_id]
                if mate.outcome in (Outcome.FAILED, Outcome.STOPPED):
                    raise StepFailed(f"{otherwise}: {name} {mate.outcome}: {mate.error}")
            await asyncio.sleep(0.05)

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise StepFailed(otherwise)

    def _say(self, text: str) -> None:
        print_line({"kind": "step", "text": text})


def print_line(fields: dict[str, object]) -> None:
    """One JSON object on one line."""
    sys.stdout.write(json.dumps(fields, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def _print_events(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
    for event in events_of(sequence, action, before, after):
        print_line(event)


def play_headless(options: DemoOptions, *, max_duration_s: float) -> int:
    """Exit code 0 = every step held; 1 = one did not; 3 = out of time; 128+n = a signal."""
    return asyncio.run(_run(options, max_duration_s))


async def _run(options: DemoOptions, max_duration_s: float) -> int:
    code = await _play(options, max_duration_s)
    exit_now(code)
    return code


async def _play(options: DemoOptions, max_duration_s: float) -> int:
    try:
        stage = await set_up(options)
    except (OSError, ValueError) as fault:
        return refuse(fault)
    session = Session(demo_config(stage))
    session.store.observe(_print_events)
    log_events(session.store)
    signalled: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    remove = on_ending_signal(lambda code: settle(signalled, code))
    try:
        session.open()
        story = session.scopes.start_task(Story(session, stage).play(), name="story")
        both: set[asyncio.Future[Any]] = {story, signalled}
        await asyncio.wait(both, timeout=max_duration_s, return_when=asyncio.FIRST_COMPLETED)
        return _verdict(story, signalled)
    finally:
        await session.close()
        await stage.clear()
        remove()


def _verdict(story: "asyncio.Task[None]", signalled: "asyncio.Future[int]") -> int:
    if signalled.done():
        return signalled.result()
    if not story.done():
        print_line({"kind": "verdict", "held": False, "text": "out of time"})
        return 3
    fault = None if story.cancelled() else story.exception()
    if story.cancelled() or fault is not None:
        print_line({"kind": "verdict", "held": False, "text": clean(str(fault))})
        return 1
    print_line({"kind": "verdict", "held": True, "text": "every step of the story held"})
    return 0
