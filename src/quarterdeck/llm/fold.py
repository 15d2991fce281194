"""The fold of one response: server events in, stream events out, one `Step` at the end or a `ModelFault`.

Strict where a wrong answer could act (tool input, ends, order); what is new (events, blocks, deltas) passes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from quarterdeck.domain.messages import Block, Message, ToolUse
from quarterdeck.llm.fault_words import body_line, fault_line, one_line
from quarterdeck.llm.faults import ErrorBody, FaultKind, ModelFault, classify, read_error_body
from quarterdeck.llm.metering import Meter
from quarterdeck.llm.open_blocks import OpenBlock
from quarterdeck.llm.steps import (
    BlockFinished,
    Step,
    StreamEvent,
    StreamOpened,
    TextDelta,
    ThinkingDelta,
    ToolInputGrew,
)

_CUTTING_REASONS = {
    "max_tokens": "The call was cut off at max_tokens. The tool did not run. Send it again, shorter.",
    "model_context_window_exceeded": "The call was cut off: the context is full. The tool did not run.",
    "refusal": "The answer was refused before it was whole. The tool did not run.",
}


_KNOWN_EVENTS = frozenset(
    {
        b"message",
        b"message_start",
        b"content_block_start",
        b"content_block_stop",
        b"message_delta",
        b"message_stop",
    }
)
"""Beside deltas and errors. `message` is what server-sent events are called without an `event:` line."""


class _Delta(msgspec.Struct, gc=False):
    """The deltas that come by the thousand; every other kind has only its `type` here."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""


class _DeltaEvent(msgspec.Struct, gc=False):
    delta: _Delta
    type: str = ""
    index: int = -1


_decode_delta = msgspec.json.Decoder(_DeltaEvent).decode
_decode_any = msgspec.json.Decoder().decode


class StepFold:
    """Folds the events of one response. `emit` is called at once for each stream event."""

    __slots__ = (
        "_blocks",
        "_detail",
        "_emit",
        "_faults",
        "_meter",
        "_open",
        "_started",
        "_stop_reason",
        "ended",
        "waits_long",
    )

    def __init__(self, emit: Callable[[StreamEvent], None]) -> None:
        self._emit = emit
        self._open: dict[int, OpenBlock] = {}
        self._blocks: dict[int, Block] = {}
        self._faults: dict[int, str] = {}
        self._meter = Meter()
        self._started = False
        self._stop_reason = ""
        self._detail = ""
        self.ended = False
        """Whether `message_stop` came."""
        self.waits_long = True
        """Whether the next content may take long: none came yet, or a server tool runs."""

    def take(self, name: bytes, payload: bytes) -> bool:
        """Fold one server event; whether it was content (pings and unknown events are not).

        :raises ModelFault: an `error` event, by its body's type; `malformed`.
        """
        if self.ended or name == b"ping":
            return False
        if name == b"content_block_delta":
            try:
                event = _decode_delta(payload)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
                raise _malformed(str(e)) from e
            return self._take_delta(event, payload)
        if name == b"error":
            raise _error_event(payload)
        return name in _KNOWN_EVENTS and self._take_rare(name, payload)

    def finish(self) -> Step:
        """The whole step.

        :raises ModelFault: `incomplete`, when the stream ended before its end.
        """
        cut = _CUTTING_REASONS.get(self._stop_reason, "")
        if not self.ended or not self._stop_reason or (self._open and not cut):
            raise ModelFault(FaultKind.incomplete, fault_line(FaultKind.incomplete))
        for index in sorted(self._open):
            self._stop_block(index)
        if cut and self._blocks:
            self._faults[max(self._blocks)] = cut
        blocks = sorted(self._blocks.items())
        content = tuple(block for _, block in blocks if _can_be_sent_back(block, was_cut=bool(cut)))
        return Step(
            message=Message(role="assistant", content=content),
            tool_uses=tuple(
                self._tool_use(index, block) for index, block in blocks if block["type"] == "tool_use"
            ),
            stop_reason=self._stop_reason,
            usage=self._meter.usage(),
            stop_detail=self._detail,
        )

    def _tool_use(self, index: int, block: Block) -> ToolUse:
        fault = self._faults.get(index, "")
        return ToolUse(id=block["id"], name=block["name"], input={} if fault else block["input"], fault=fault)

    def _take_delta(self, event: _DeltaEvent, payload: bytes) -> bool:
        block = self._open.get(event.index)
        if block is None:
            raise _malformed("a delta came for a block that is not open")
        delta = event.delta
        match delta.type:
            case "text_delta" if block.kind != "thinking" and not block.is_tool_call:
                block.texts.append(delta.text)
                self._emit(TextDelta(delta.text))
            case "thinking_delta" if block.kind == "thinking":
                block.texts.append(delta.thinking)
                self._emit(ThinkingDelta(delta.thinking))
            case "input_json_delta" if block.is_tool_call:
                block.inputs.append(delta.partial_json)
                block.characters += len(delta.partial_json)
                self._emit(ToolInputGrew(block.name, block.characters))
            case "signature_delta" if block.kind == "thinking":
                block.signatures.append(delta.signature)
            case "text_delta" | "thinking_delta" | "input_json_delta" | "signature_delta":
                raise _malformed(f"a {delta.type} came for a {one_line(block.kind)} block")
            case _:
                block.take_rare(_object(_decode(payload).get("delta")))
        return True

    def _take_rare(self, name: bytes, payload: bytes) -> bool:
        event = _decode(payload)
        match event.get("type") or name.decode("utf-8", "replace"):
            case "content_block_delta":
                # The `event:` line was missing or another; the body says what it is.
                return self.take(b"content_block_delta", payload)
            case "content_block_start":
                self._start_block(event)
            case "content_block_stop":
                self._stop_block(event.get("index"))
            case "message_start":
                self._start_message(_object(event.get("message")))
                return False
            case "message_delta":
                self._take_message_delta(event)
            case "message_stop":
                self.ended = True
            case "error":
                raise _error_event(payload)
            case _:
                return False
        return True

    def _start_message(self, message: Mapping[str, Any]) -> None:
        if self._started:
            self._start_anew()
        self._started = True
        self._meter.model = str(message.get("model") or "")
        self._meter.take(message.get("usage"))
        self._take_end(message)
        # A server's program that calls our tools brings the calls whole, with the message's start.
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            self._start_block({"index": index, "content_block": block})
            self._stop_block(index)

    def _start_anew(self) -> None:
        """A gateway that repeats a request itself splices a second answer in: the first one is void."""
        self._open.clear()
        self._blocks.clear()
        self._faults.clear()
        self._meter = Meter()
        self._stop_reason = self._detail = ""
        self.waits_long = True
        self._emit(StreamOpened())

    def _start_block(self, event: Mapping[str, Any]) -> None:
        index, start = event.get("index"), _object(event.get("content_block"))
        if not self._started or not isinstance(index, int) or not isinstance(start.get("type"), str):
            raise _malformed("a block began without a message, an index or a type")
        if index in self._open or index in self._blocks:
            raise _malformed("two blocks have the same index")
        if start["type"] == "tool_use" and not (_is_name(start.get("id")) and _is_name(start.get("name"))):
            raise _malformed("a tool call has no id or no name")
        if start["type"] == "fallback":
            # Another model takes over, and the usage that follows is its own.
            self._meter.model = str(_object(start.get("to")).get("model") or self._meter.model)
        self._open[index] = OpenBlock(start)
        # A server's tool runs between its call and its result: silence is then no stall.
        self.waits_long = start["type"].endswith("_tool_use")

    def _stop_block(self, index: object) -> None:
        block = self._open.pop(index, None) if isinstance(index, int) else None
        if block is None or not isinstance(index, int):
            raise _malformed("a block ended that is not open")
        self._blocks[index], self._faults[index] = block.finish()
        self._emit(BlockFinished(self._blocks[index]))

    def _take_message_delta(self, event: Mapping[str, Any]) -> None:
        self._take_end(_object(event.get("delta")))
        self._meter.take(event.get("usage"))

    def _take_end(self, delta: Mapping[str, Any]) -> None:
        reason = delta.get("stop_reason")
        if isinstance(reason, str):
            self._stop_reason = reason
        self._detail = _detail(delta) or self._detail


def _detail(delta: Mapping[str, Any]) -> str:
    details = _object(delta.get("stop_details"))
    for words in (details.get("explanation"), details.get("category"), delta.get("stop_sequence")):
        if isinstance(words, str) and words:
            return one_line(words)
    return ""


def _decode(payload: bytes) -> Mapping[str, Any]:
    try:
        value = _decode_any(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise _malformed(str(e)) from e
    return _object(value)


def is_whole(payload: bytes) -> bool:
    """Whether an event's data is JSON to its end."""
    try:
        _decode_any(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _can_be_sent_back(block: Block, *, was_cut: bool) -> bool:
    # The API gives empty text and thinking that was cut before its signature, and refuses both back.
    match block["type"]:
        case "text":
            return bool(block.get("text"))
        case "thinking" if was_cut:
            return bool(block.get("signature"))
    return True


def _malformed(words: str) -> ModelFault:
    return ModelFault(FaultKind.malformed, fault_line(FaultKind.malformed, words=words))


def _error_event(payload: bytes) -> ModelFault:
    try:
        body = read_error_body(_decode_any(payload))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        body = ErrorBody(message=payload.decode("utf-8", "replace"))
    kind = classify(200, body)
    return ModelFault(kind, body_line(kind, 200, body), status=200, request_id=body.request_id)
