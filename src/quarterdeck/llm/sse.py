"""Server-sent events from bytes, incrementally (WHATWG HTML, 9.2.6). Text stays bytes, for JSON to decode."""

from typing import Final

ServerEvent = tuple[bytes, bytes]
"""Event name (`message` when none was sent) and its data, lines joined by LF."""

MAX_EVENT_BYTES: Final = 64 * 1024 * 1024
"""More than any real event; what never ends must not fill the memory."""

_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event grew beyond `MAX_EVENT_BYTES`."""


class SseDecoder:
    """Feed it reads of any size, cut anywhere; it gives the events that became whole.

    Linear in the bytes: what has no line end yet is kept as parts and joined once.
    """

    __slots__ = ("_begun", "_data", "_held", "_line_feed_may_follow", "_name", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._held = 0
        self._begun = False
        self._line_feed_may_follow = False

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that `chunk` completes.

        :raises EventTooLarge: an event does not end within `MAX_EVENT_BYTES`.
        """
        if self._is_between_events() and chunk.endswith(b"\n\n") and b"\r" not in chunk:
            return self._feed_whole_frames(chunk)
        return self._feed_lines(chunk)

    def flush(self) -> list[ServerEvent]:
        """At the end of the stream: the event whose closing blank line is missing, if any."""
        return self._feed_lines(b"\n\n")

    def _is_between_events(self) -> bool:
        return self._begun and not (self._parts or self._data or self._name or self._line_feed_may_follow)

    def _feed_whole_frames(self, chunk: bytes) -> list[ServerEvent]:
        # The usual read: whole frames of exactly one `event:` and one `data:` line.
        events: list[ServerEvent] = []
        for frame in chunk[:-2].split(b"\n\n"):
            head, separator, payload = frame.partition(b"\ndata: ")
            if separator and head.startswith(b"event: ") and b"\n" not in payload and b"\n" not in head:
                events.append((head[7:], payload))
            else:
                events.extend(self._feed_lines(frame + b"\n\n"))
        return events

    def _feed_lines(self, chunk: bytes) -> list[ServerEvent]:
        self._begun = self._begun or bool(chunk)
        if self._line_feed_may_follow and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._line_feed_may_follow = False
        self._hold(len(chunk))
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._parts.append(chunk)
            return []
        self._parts.append(chunk)
        lines = b"".join(self._parts).removeprefix(_BOM if not self._data and not self._name else b"")
        return self._take_lines(lines.splitlines(keepends=True))

    def _take_lines(self, lines: list[bytes]) -> list[ServerEvent]:
        self._parts.clear()
        if not lines[-1].endswith((b"\n", b"\r")):
            self._parts.append(lines.pop())
        self._line_feed_may_follow = not self._parts and lines[-1].endswith(b"\r")
        events: list[ServerEvent] = []
        for line in lines:
            content = line.rstrip(b"\r\n")
            if content:
                self._take_field(content)
            elif self._data:
                events.append((self._name or b"message", b"\n".join(self._data)))
            if not content:
                self._reset_event()
        return events

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._name = value
            case _:
                return  # Comments (an empty name), `id`, `retry` and unknown fields say nothing to us.

    def _reset_event(self) -> None:
        self._data = []
        self._name = b""
        self._held = sum(map(len, self._parts))

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > MAX_EVENT_BYTES:
            raise EventTooLarge(f"one event is larger than {MAX_EVENT_BYTES} bytes")
