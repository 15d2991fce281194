"""One content block while it is streamed: collects the deltas as parts and joins them once, at its end."""

from collections.abc import Mapping
from typing import Any

import msgspec

from quarterdeck.domain.messages import Block


class OpenBlock:
    """A block between its `content_block_start` and its `content_block_stop`."""

    __slots__ = (
        "_citations",
        "_extra",
        "characters",
        "inputs",
        "is_tool_call",
        "kind",
        "name",
        "signatures",
        "start",
        "texts",
    )

    def __init__(self, start: Mapping[str, Any]) -> None:
        self.start = start
        self.kind: str = start["type"]
        self.is_tool_call = self.kind.endswith("tool_use")
        """A client's or a server's tool call: its input is streamed as JSON."""
        self.name = str(start.get("name", ""))
        self.texts: list[str] = []
        self.inputs: list[str] = []
        self.signatures: list[str] = []
        self.characters = 0
        self._citations: list[Any] = []
        self._extra: dict[str, Any] = {}

    def take_rare(self, delta: Mapping[str, Any]) -> None:
        """A delta other than text, thinking, input or signature; unknown ones say nothing to us."""
        match delta.get("type"):
            case "citations_delta" if "citation" in delta:
                self._citations.append(delta["citation"])
            case "compaction_delta":
                self._extra.update((key, value) for key, value in delta.items() if key != "type")
            case _:
                return

    def finish(self) -> tuple[Block, str]:
        """The block as it is kept, and why its input cannot be used ("" = it can).

        A broken input is kept as `{}`: the API takes nothing but an object back.
        """
        block: dict[str, Any] = {**self.start, **self._extra}
        if self.texts:
            field = "thinking" if self.kind == "thinking" else "text"
            block[field] = str(self.start.get(field) or "") + "".join(self.texts)
        if self.signatures:
            block["signature"] = str(self.start.get("signature") or "") + "".join(self.signatures)
        if self._citations:
            block["citations"] = [*(self.start.get("citations") or ()), *self._citations]
        fault = ""
        if self.is_tool_call:
            block["input"], fault = self._parse_input()
        return block, fault

    def _parse_input(self) -> tuple[Mapping[str, Any], str]:
        raw = "".join(self.inputs)
        if not raw:
            # A call without parameters comes as no delta, or as one empty delta.
            given = self.start.get("input")
            return (given, "") if isinstance(given, Mapping) else ({}, "")
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
            return (
                {},
                f"The input was not valid JSON ({e}). The tool did not run. Send the call again, whole.",
            )
        if not isinstance(value, dict):
            return (
                {},
                "The input was not a JSON object. The tool did not run. Send the call again with an object.",
            )
        return value, ""
