"""Recorded answers after they went through the turn loop, and what must hold of each."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message, tool_use_ids
from quarterdeck.domain.teammates import IdleReason
from quarterdeck.llm.history import is_valid, repair
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text, Thinking, ToolCall
from quarterdeck.tools import registry
from tests.support.recorded_model import (
    RecordedBody,
    as_messages,
    events_of,
    last_figures,
    recorded_bodies,
    responses_in,
)
from tests.support.recorded_turns import (
    PLAIN_END,
    Answer,
    RecordedWorld,
    Toolbook,
    answer_of,
)


class Played:
    """One recorded answer after it went through the loop."""

    def __init__(self, here: RecordedWorld, body: RecordedBody, run_id: RunId) -> None:
        self.here = here
        self.body = body
        self.run_id = run_id
        self.mate = here.mate(run_id)
        self.history = here.session.conversations.history(run_id)
        self.requests = here.bodies_of(run_id)
        self.texts = [entry.text for entry in here.entries(run_id, Text)]
        self.notes = [entry.text for entry in here.entries(run_id, Note)]
        self.calls = here.entries(run_id, ToolCall)

    def told(self, kind: type[Any]) -> list[Any]:
        """Its facts of one kind."""
        return [fact for fact in self.here.told(kind) if fact.run_id == self.run_id]

    @property
    def is_done(self) -> bool:
        """Idle after a turn that ended by itself."""
        return self.mate.is_idle and self.mate.idle_reason is IdleReason.DONE and not self.mate.error

    @property
    def answer(self) -> Message:
        """What the history holds of the recorded answer."""
        return self.history[1]


Check = Callable[[Played], Mapping[str, object]]
"""What must hold, by name: a name whose value is false is what is wrong."""


def with_tag(*tags: str) -> list[RecordedBody]:
    """The recorded answers whose first response ended this way."""
    return [body for body in recorded_bodies() if first_stop(body) in tags]


def first_stop(body: RecordedBody) -> str:
    """`stop:` or `err:` with its word; of a body that holds several responses, the first one's."""
    kinds = ("stop:tool_use",) if len(responses_in(body)) > 1 else ("stop:", "err:")
    return next(tag for tag in body.contains if tag.startswith(kinds))


async def played(here: RecordedWorld, bodies: list[RecordedBody], **fields: Any) -> list[Played]:
    """Every answer given to a teammate of its own, all at once, until each is idle or has ended."""
    return await run_all(here, bodies, lambda body: (answer_of(body),), **fields)


async def run_all(
    here: RecordedWorld,
    bodies: list[RecordedBody],
    answers: Callable[[RecordedBody], tuple[Answer, ...]],
    **fields: Any,
) -> list[Played]:
    """As `played`, with what is made of each recorded answer."""
    runs = [here.play(*answers(body), **fields) for body in bodies]
    for run_id in runs:
        await here.settled(run_id)
    return [Played(here, body, run_id) for body, run_id in zip(bodies, runs, strict=True)]


def wrong_in(turns: list[Played], check: Check) -> dict[str, list[str]]:
    """What does not hold, by file."""
    found = {one.body.file: [name for name, holds in check(one).items() if not holds] for one in turns}
    for tag, count in Counter(first_stop(one.body) for one in turns).items():
        bad = sum(bool(found[one.body.file]) for one in turns if first_stop(one.body) == tag)
        print(f"\n{tag:32} {count:4} played {count - bad:4} as recorded", end="")
    return {file: names for file, names in found.items() if names}


def blank(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def texts_in(content: list[Any] | tuple[Any, ...]) -> list[str]:
    return [block["text"] for block in content if block["type"] == "text" and not blank(block)]


def shown_as_answered(one: Played, *more: str) -> dict[str, object]:
    """The transcript and the ledger agree with the answer in the history."""
    content = one.answer.content if len(one.history) > 1 else ()
    thoughts = [block for block in content if block["type"] in ("thinking", "redacted_thinking")]
    shown = [entry.text for entry in one.here.entries(one.run_id, Thinking)]
    first = responses_in(one.body)[0] if one.body.file.endswith(".sse") else answer_of(one.body).content
    return {
        "its texts are shown": one.texts == [*texts_in(content), *more],
        "its thoughts are shown": shown == [block.get("thinking", "") for block in thoughts],
        "nothing is left on the screen": not one.here.state.transcripts[one.run_id].live,
        "the history is fit to be sent": is_valid(repair(one.history)) is None,
        "every request was valid": not [bad for bad in map(fault_in, one.requests) if bad],
        "usage is told once per response": len(one.told(did.UsageRecorded)) == 1 + len(more),
        "usage is the last figures": figures(one) == last_figures(first),
        "a step per response": len(one.told(did.StepAccepted)) == 1 + len(more),
        "the requests are as many": len(one.requests) == 1 + len(more),
    }


def fault_in(request: Mapping[str, Any]) -> str | None:
    return is_valid(as_messages(request["messages"]))


def figures(one: Played) -> dict[str, int]:
    usage = one.told(did.UsageRecorded)[0].usage
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
    }


def is_stream(body: RecordedBody) -> bool:
    return body.file.endswith(".sse")


def calls_answered(one: Played) -> dict[str, object]:
    """The calls of the answer and their results in the next request, which the API would take."""
    calls = tool_use_ids(one.answer)
    sent = as_messages(one.requests[-1]["messages"])
    results = [block for block in sent[-1].content if block["type"] == "tool_result"]
    return {
        **shown_as_answered(one, PLAIN_END),
        "done": one.is_done,
        "it called": calls,
        "each call has its result": tuple(block["tool_use_id"] for block in results) == calls,
        "each call is shown": tuple(call.call_id for call in one.calls) == calls,
    }


def give(monkeypatch: pytest.MonkeyPatch, tools: Toolbook, bodies: list[RecordedBody]) -> None:
    """Let every teammate have the recorded client's tools, at the place where the session takes its own."""
    names = {name for body in bodies for name in called_names(body)}
    monkeypatch.setattr(registry, "standard_tools", lambda: tools.tools(names))


def called_names(body: RecordedBody) -> set[str]:
    starts = [event.get("content_block", {}) for event in events_of(answer_of(body).content)]
    return {start["name"] for start in starts if start.get("type") == "tool_use"}
