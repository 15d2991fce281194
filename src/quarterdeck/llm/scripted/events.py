"""A reply as the API's bytes: the whole message, and its stream's events. Pure; no clock, no pace."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from quarterdeck.llm.scripted.cache import PromptUsage, tokens_of
from quarterdeck.llm.scripted.refusals import error_type
from quarterdeck.llm.scripted.replies import HttpError, Reply, ScriptedBlock
from quarterdeck.llm.scripted.signatures import signature_of

encode = msgspec.json.Encoder().encode

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def frame(event: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), encode(event))


def error_body(error: HttpError, request_id: str) -> bytes:
    """The JSON of an error answer."""
    kind = error.error_type or error_type(error.status)
    body = {"type": kind, "message": error.message, **error.details}
    return encode({"type": "error", "error": body, "request_id": request_id})


class Answer(msgspec.Struct, frozen=True):
    """A reply bound to one request: the ids are made from the request, so that the same gives the same."""

    reply: Reply
    model: str
    seed: str
    """Anything that tells requests apart."""

    @property
    def message_id(self) -> str:
        """`msg_…`"""
        return f"msg_{_digest(self.seed)}"

    @property
    def stop_reason(self) -> str:
        """The scripted one, or what the content means."""
        if self.reply.stop_reason is not None:
            return self.reply.stop_reason
        return "tool_use" if any(block.tool for block in self.reply.blocks) else "end_turn"

    def content(self) -> list[dict[str, Any]]:
        """The content blocks, whole."""
        return [self._whole(place, block) for place, block in enumerate(self.reply.blocks)]

    def output_tokens(self) -> int:
        """What the content costs; at least one."""
        return max(1, sum(tokens_of(block) for block in self.content()))

    def message(self, usage: PromptUsage) -> dict[str, Any]:
        """The answer to a request without `stream`."""
        return self._envelope(self.content(), self.stop_reason, usage.figures(self.output_tokens()))

    def stream(self, usage: PromptUsage, chars: int) -> Iterator[bytes]:
        """The events in order, in deltas of `chars` characters."""
        yield frame({"type": "message_start", "message": self._envelope([], None, usage.figures(1))})
        for place, block in enumerate(self.reply.blocks):
            yield from self._block(place, block, chars)
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        figures = usage.figures(self.output_tokens())
        yield frame({"type": "message_delta", "delta": delta, "usage": figures})
        yield frame({"type": "message_stop"})

    def _envelope(
        self, content: Sequence[Mapping[str, Any]], stop_reason: str | None, usage: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _whole(self, place: int, block: ScriptedBlock) -> dict[str, Any]:
        if block.text is not None:
            return {"type": "text", "text": block.text * block.repeat_text}
        if block.thinking is not None:
            thinking = block.thinking * block.repeat_text
            return {"type": "thinking", "thinking": thinking, "signature": _signature(block, thinking)}
        if block.tool is not None:
            return {**self._call(place, block.tool), "input": block.input}
        return dict(block.raw or {})

    def _call(self, place: int, tool: str) -> dict[str, Any]:
        return {
            "type": "tool_use",
            "id": f"toolu_{_digest(f'{self.seed} {place}')}",
            "name": tool,
            "input": {},
        }

    def _block(self, place: int, block: ScriptedBlock, chars: int) -> Iterator[bytes]:
        yield frame(
            {"type": "content_block_start", "index": place, "content_block": self._opening(place, block)}
        )
        for delta in _deltas(block, chars):
            yield frame({"type": "content_block_delta", "index": place, "delta": delta})
        yield frame({"type": "content_block_stop", "index": place})

    def _opening(self, place: int, block: ScriptedBlock) -> dict[str, Any]:
        if block.text is not None:
            return {"type": "text", "text": ""}
        if block.thinking is not None:
            return {"type": "thinking", "thinking": "", "signature": ""}
        if block.tool is not None:
            return self._call(place, block.tool)
        return dict(block.raw or {})


def _deltas(block: ScriptedBlock, chars: int) -> Iterator[dict[str, Any]]:
    if block.text is not None:
        for piece in _cut(block.text * block.repeat_text, chars):
            yield {"type": "text_delta", "text": piece}
    elif block.thinking is not None:
        thinking = block.thinking * block.repeat_text
        for piece in _cut(thinking, chars):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": _signature(block, thinking)}
    elif block.tool is not None:
        raw = block.raw_input if block.raw_input is not None else encode(block.input).decode()
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in _cut(raw, chars):
            yield {"type": "input_json_delta", "partial_json": piece}


def _signature(block: ScriptedBlock, thinking: str) -> str:
    return signature_of(thinking) if block.signature is None else block.signature


def _cut(text: str, chars: int) -> Iterator[str]:
    return (text[start : start + chars] for start in range(0, len(text), chars))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
