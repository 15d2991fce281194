"""The log of a scripted model: in memory, and as JSON lines.

Each request to `POST /v1/messages` gives one line when it arrives, its reply chosen and nothing sent yet:

    {"kind": "request", "number": 1, "at": 1700000000.1, "run": "…", "agent": "coder", "path": "/v1/messages",
     "model": "claude-test", "messages": 3, "status": 200, "rule": 2, "stream": true}

and one when its response ended, whatever way:

    {"kind": "response", "number": 1, "at": 1700000003.4, "run": "…", "status": 200, "usage": {…},
     "ended": "complete"}

`at` is in seconds of the epoch; `run` is the header `x-quarterdeck-run`; `rule` counts from 0, null = none.
To count requests, count `"kind": "request"`. Other endpoints are logged the same way, with their path.
"""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec


class Ended(StrEnum):
    """How a response ended."""

    OPEN = "open"
    COMPLETE = "complete"
    FAULT = "fault"
    """Cut or broken off as scripted."""
    CLIENT_GONE = "client gone"
    SERVER_CLOSED = "server closed"


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request and, once it ended, its response."""

    number: int
    """From 1, in order of arrival."""
    at: float
    run: str
    agent: str
    path: str
    model: str
    messages: int
    status: int
    rule: int | None
    stream: bool
    body: Mapping[str, Any]
    """The request's JSON; empty when the server keeps none."""
    headers: Mapping[str, str]
    """Names in lower case."""
    ended: Ended = Ended.OPEN
    ended_at: float | None = None
    usage: Mapping[str, Any] | None = None


_REQUEST_FIELDS = ("number", "at", "run", "agent", "path", "model", "messages", "status", "rule", "stream")


class RequestLog:
    """Keeps the requests, and writes each line at once. `clock` gives seconds of the epoch."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests: list[LoggedRequest] = []
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path else None

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """All of them, in order of arrival."""
        return tuple(self._requests)

    def arrived(self, **fields: Any) -> LoggedRequest:
        """Note a request; `fields` are those of `LoggedRequest` but `number` and `at`."""
        request = LoggedRequest(number=len(self._requests) + 1, at=self._clock(), **fields)
        self._requests.append(request)
        self._write({"kind": "request", **{name: getattr(request, name) for name in _REQUEST_FIELDS}})
        return request

    def ended(self, number: int, how: Ended, usage: Mapping[str, Any] | None) -> None:
        """Note how the response to request `number` ended."""
        request = self._requests[number - 1]
        done = msgspec.structs.replace(request, ended=how, ended_at=self._clock(), usage=usage)
        self._requests[number - 1] = done
        line = {"number": number, "at": done.ended_at, "run": done.run, "status": done.status}
        self._write({"kind": "response", **line, "usage": usage, "ended": how.value})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: Mapping[str, Any]) -> None:
        # One write with O_APPEND: whole lines also when somebody reads meanwhile.
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(line) + b"\n")
