"""One turn: stream a step, run its tool calls, send the results, until the model ends it or a limit does.

It decides nothing about the run's life: it returns how it ended, and leaves all it did in its record.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, text_block, text_of, tool_result_block
from quarterdeck.llm.faults import FaultKind, ModelFault
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent, StreamOpened, TextDelta, ThinkingDelta, ToolInputGrew
from quarterdeck.runtime.epochs import Epochs, RunRevoked
from quarterdeck.runtime.gate import Gate
from quarterdeck.runtime.history import History
from quarterdeck.runtime.ports import Clock, Dispatch, ModelPort
from quarterdeck.runtime.system_prompt import CLOSING
from quarterdeck.runtime.text_merger import TextMerger
from quarterdeck.runtime.turn_record import TurnRecord
from quarterdeck.state import actions as did

MOST_REPEATS = 2
"""Of a request whose answer was not whole (SPEC 3.2)."""
MOST_PAUSE_TURNS = 10
RUNS_CALLS = frozenset({"tool_use", "end_turn", "stop_sequence", "max_tokens", "pause_turn"})
"""Stop reasons after which calls are run; after a refusal or an unknown one the turn ends without them."""


class TurnEnd(StrEnum):
    """Why a turn came back."""

    DONE = "done"
    STOPPING = "stopping"
    """Asked to stop: the closing step is due."""
    LIMIT = "limit"
    """The run has taken its most steps."""
    CUT = "cut"
    """The model ended it, but not because it was done: refused, cut off, for an unknown reason."""


class ToolCalls(msgspec.Struct, frozen=True):
    """How a turn runs tools: fills `record.results`, never raises for a tool's fault."""

    run: Callable[[TurnRecord], Awaitable[None]]
    schemas: Callable[[], tuple[Mapping[str, Any], ...]]
    """What the model is told of them: the same each time. Not asked before the run is `ready`."""


class RunParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn needs of its run and session."""

    run_id: RunId
    system: tuple[Block, ...]
    history: History
    tools: ToolCalls
    model: ModelPort
    model_name: Callable[[], str]
    gate: Gate
    epochs: Epochs
    merger: TextMerger
    dispatch: Dispatch
    clock: Clock
    is_stopping: Callable[[], bool]
    take_steering: Callable[[TurnRecord], tuple[Block, ...]]
    """Messages that are due at a tool boundary, marked as delivered."""
    steps_left: Callable[[], bool]
    """Whether the run may take one more step; called once per step."""
    ready: Callable[[], Awaitable[None]]
    """Returns once requests may be made: not before the screen's first paint."""
    kept: Callable[[], Awaitable[None]]
    """Returns once everything told so far is on disk: no request is sent that a crash would forget."""
    after_step: Callable[[], None] = lambda: None
    """A step was accepted and its results are in the history."""
    max_tokens: int = 16_000


class Turn:
    """Plays one turn. Cancelled at any point, its record still closes the history."""

    def __init__(self, parts: RunParts, record: TurnRecord) -> None:
        self._run = parts
        self._record = record

    async def play(self) -> TurnEnd:
        """Until `end_turn`, a stop, a limit. :raises ModelFault: upstream. :raises RunRevoked: killed."""
        pauses = 0
        while True:
            if self._run.is_stopping():
                return TurnEnd.STOPPING
            if not self._run.steps_left():
                return TurnEnd.LIMIT
            step = await self._whole_step({}, is_closing=False)
            if step is None:
                return TurnEnd.STOPPING
            if step.tool_uses and step.stop_reason in RUNS_CALLS:
                await self._run_tools(step)
                continue
            if step.stop_reason == "pause_turn" and pauses < MOST_PAUSE_TURNS:
                pauses += 1
                continue
            self._record.odd_end = self._note_odd_end(step)
            refused = tuple(
                refused_result(use.id, f"Not run: {self._record.odd_end}") for use in step.tool_uses
            )
            self._run.history.add_user(refused)
            self._run.after_step()
            return TurnEnd.CUT if self._record.odd_end else TurnEnd.DONE

    async def close(self) -> None:
        """The closing step: no tools, one last report."""
        await self._run.ready()
        self._tell(did.ClosingStepStarted(at=self._now(), run_id=self._run.run_id))
        self._run.history.add_user((text_block(CLOSING),))
        extra = {"tool_choice": {"type": "none"}} if self._run.tools.schemas() else {}
        step = await self._whole_step(extra, is_closing=True)
        if step is not None and step.tool_uses:
            self._record.open_calls = step.tool_uses

    async def _run_tools(self, step: Step) -> None:
        record = self._record
        record.open_calls = step.tool_uses
        record.started.clear()
        record.results.clear()
        record.person_answered = False
        await self._run.tools.run(record)
        self._check()
        blocks = record.result_blocks()
        record.open_calls = ()
        self._run.history.add_user((*blocks, *self._run.take_steering(record)))
        self._run.after_step()

    async def _whole_step(self, extra: Mapping[str, Any], *, is_closing: bool) -> Step | None:
        """The next step, repeated until it is whole. None = a stop came first: no request was made."""
        for repeats in range(MOST_REPEATS + 1):
            await self._run.gate.passed()
            self._check()
            if self._run.is_stopping() and not is_closing:
                return None
            self._tell(did.StepStarted(at=self._now(), run_id=self._run.run_id))
            request = self._request(extra)
            await self._run.kept()
            self._check()
            try:
                step = await self._run.model.stream_step(request, self._on_event)
            except ModelFault as fault:
                self._check()
                self._discard(fault.message)
                if fault.kind is FaultKind.incomplete and repeats < MOST_REPEATS:
                    continue
                raise
            self._check()
            self._accept(step)
            return step
        raise AssertionError("unreachable: the last repeat raises or returns")

    def _request(self, extra: Mapping[str, Any]) -> ModelRequest:
        return ModelRequest(
            run_id=self._run.run_id,
            model=self._run.model_name(),
            system=self._run.system,
            tools=self._run.tools.schemas(),
            messages=self._run.history.repaired(),
            max_tokens=self._run.max_tokens,
            extra=extra,
        )

    def _on_event(self, event: StreamEvent) -> None:
        if self._record.revoked or not self._run.epochs.is_live(self._run.run_id):
            raise RunRevoked(self._run.run_id)
        match event:
            case StreamOpened() if self._record.partial:
                # A gateway began its answer anew: what was told before is void.
                self._discard("the answer began anew")
            case TextDelta(text=text):
                self._record.partial.append(text)
                self._run.merger.text(self._run.run_id, text)
            case ThinkingDelta(text=text):
                self._run.merger.thinking(self._run.run_id, text)
            case ToolInputGrew():
                self._run.merger.text(self._run.run_id, "")

    def _accept(self, step: Step) -> None:
        run_id, now = self._run.run_id, self._now()
        self._run.merger.discard(run_id)
        self._record.partial.clear()
        self._run.history.add_reply(step.message.content)
        for block in step.message.content:
            self._tell_block(block)
        self._record.usage = self._record.usage + step.usage
        self._record.stop_reason = step.stop_reason
        self._record.final_text = text_of(step.message) or self._record.final_text
        self._tell(did.UsageRecorded(at=now, run_id=run_id, usage=step.usage))
        self._tell(did.StepAccepted(at=now, run_id=run_id, stop_reason=step.stop_reason))

    def _tell_block(self, block: Block) -> None:
        match block.get("type"):
            case "text" if str(block.get("text", "")).strip():
                self._tell(did.TextSaid(at=self._now(), run_id=self._run.run_id, text=str(block["text"])))
            case "thinking":
                said = str(block.get("thinking", ""))
                self._tell(did.ThoughtFinished(at=self._now(), run_id=self._run.run_id, text=said))
            case "redacted_thinking":
                self._tell(did.ThoughtFinished(at=self._now(), run_id=self._run.run_id, text=""))

    def _discard(self, reason: str) -> None:
        self._run.merger.discard(self._run.run_id)
        self._record.partial.clear()
        self._tell(did.StepDiscarded(at=self._now(), run_id=self._run.run_id, reason=reason))

    def _note_odd_end(self, step: Step) -> str:
        """Tell why the turn ended where the model was not done; the words, empty = it was."""
        words = {
            "end_turn": "",
            "stop_sequence": "",
            "max_tokens": "The answer was cut at the most tokens of one step.",
            "refusal": f"The model refused to go on. {step.stop_detail}".strip(),
            "pause_turn": "The model paused its turn too often; the turn was ended.",
            "model_context_window_exceeded": "The conversation no longer fits the model's window.",
        }
        note = words.get(step.stop_reason, f"The model stopped for an unknown reason: {step.stop_reason}.")
        if note:
            self._tell(did.NoteTaken(at=self._now(), run_id=self._run.run_id, text=note))
        return note

    def _check(self) -> None:
        """Nothing more happens for a run that was killed or a turn that was interrupted."""
        if self._record.revoked:
            raise RunRevoked(self._run.run_id)
        try:
            self._run.epochs.check(self._run.run_id)
        except RunRevoked:
            self._run.dispatch(did.RequestRefusedAfterKill(at=self._now(), run_id=self._run.run_id))
            raise

    def _tell(self, action: did.Action) -> None:
        self._run.dispatch(action)

    def _now(self) -> float:
        return self._run.clock.wall()


def refused_result(call_id: str, reason: str) -> Block:
    """A tool result that says why a call did not run."""
    return tool_result_block(call_id, reason, is_error=True)
