"""What a request's conversation says, as rules ask for it. Pure; never looks outside the request."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

Block = Mapping[str, Any]

_AGENT = re.compile(r"\bYou are ([^,\n]{1,200}),")


def blocks_of(content: Any) -> tuple[Block, ...]:
    """The content blocks of a message, a system prompt or a tool result; a string is one text block."""
    if isinstance(content, str):
        return ({"type": "text", "text": content},) if content else ()
    return tuple(content or ())


def text_in(content: Any) -> str:
    """The text blocks of some content, joined by newline."""
    return "\n".join(str(b.get("text", "")) for b in blocks_of(content) if b.get("type") == "text")


def agent_of(request: Mapping[str, Any]) -> str:
    """The name in `You are NAME,` of the system prompt; empty without one."""
    hit = _AGENT.search(text_in(request.get("system")))
    return hit[1] if hit else ""


class Conversation:
    """One request, read lazily: rules mostly look at its end."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.messages = [m for m in request.get("messages", ()) if m.get("role") != "system"]

    @cached_property
    def agent(self) -> str:
        """Who asks, by the system prompt."""
        return agent_of(self.request)

    @cached_property
    def last_user_text(self) -> str:
        """The text blocks of the last user message; empty when it holds tool results alone."""
        texts = (text_in(m.get("content")) for m in reversed(self.messages) if m.get("role") == "user")
        return next(texts, "")

    @cached_property
    def last_result(self) -> Block | None:
        """The last tool result of the last message; None when something else came last."""
        if not self.messages:
            return None
        results = [b for b in blocks_of(self.messages[-1].get("content")) if b.get("type") == "tool_result"]
        return results[-1] if results else None

    @cached_property
    def last_tool(self) -> str:
        """The name of the tool that gave `last_result`; empty without one."""
        if self.last_result is None:
            return ""
        wanted = self.last_result.get("tool_use_id")
        return next((str(b.get("name")) for b in self.calls if b.get("id") == wanted), "")

    @cached_property
    def last_result_text(self) -> str:
        """What `last_result` says."""
        return text_in(self.last_result.get("content")) if self.last_result is not None else ""

    @cached_property
    def told(self) -> str:
        """The last message's texts and the texts of its tool results; empty when the assistant spoke last."""
        if not self.messages or self.messages[-1].get("role") != "user":
            return ""
        blocks = blocks_of(self.messages[-1].get("content"))
        return "\n".join(text_in(b["content"] if b.get("content") else (b,)) for b in blocks)

    @property
    def last_result_failed(self) -> bool:
        """Whether `last_result` is an error."""
        return self.last_result is not None and bool(self.last_result.get("is_error"))

    @cached_property
    def calls(self) -> tuple[Block, ...]:
        """Every tool call of the conversation, in order."""
        return tuple(b for b in self._assistant_blocks() if b.get("type") == "tool_use")

    @cached_property
    def results(self) -> int:
        """How many tool results the conversation holds."""
        return sum(b.get("type") == "tool_result" for m in self.messages for b in blocks_of(m.get("content")))

    @cached_property
    def said(self) -> str:
        """All that the assistant wrote, and `NAME: ` with the texts of the input for each tool call."""
        return "\n".join(self._spoken())

    @cached_property
    def heard(self) -> str:
        """All text blocks of the user messages."""
        return "\n".join(text_in(m.get("content")) for m in self.messages if m.get("role") == "user")

    @cached_property
    def offered(self) -> frozenset[str]:
        """The names of the tools that the request offers."""
        return frozenset(str(tool.get("name", "")) for tool in self.request.get("tools") or ())

    def _assistant_blocks(self) -> Iterator[Block]:
        for message in self.messages:
            if message.get("role") == "assistant":
                yield from blocks_of(message.get("content"))

    def _spoken(self) -> Iterator[str]:
        for block in self._assistant_blocks():
            match block.get("type"):
                case "text":
                    yield str(block.get("text", ""))
                case "tool_use":
                    yield f"{block.get('name')}: " + "\n".join(_leaves(block.get("input")))


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            for inner in value.values():
                yield from _leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from _leaves(inner)
        case None:
            return
        case _:
            yield str(value)
