"""What can go wrong with a model request, told so that a retry policy can decide and a person can act.

Pure classification of statuses and error bodies; never holds a key, a header or a request.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import msgspec


class FaultKind(StrEnum):
    """What the caller does about a fault depends on its kind only (SPEC 3.3)."""

    bad_request = "bad_request"
    authentication = "authentication"
    permission = "permission"
    not_found = "not_found"
    too_large = "too_large"
    """413, or a prompt longer than the context window (400): shrink once."""
    spend_limit = "spend_limit"
    """402, an enforced limit, or no credit: not retried, concerns every run of the key."""
    rate_limited = "rate_limited"
    overloaded = "overloaded"
    server = "server"
    connection = "connection"
    incomplete = "incomplete"
    """No `message_stop` or no stop reason (SPEC 3.2): the request is repeated at most twice."""
    malformed = "malformed"
    """What came is not a Messages API stream."""
    stalled = "stalled"
    aborted = "aborted"


class ModelFault(Exception):
    """A request to the model failed. `str()` is one clean line for the person."""

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.request_id = request_id

    @property
    def is_pairing(self) -> bool:
        """Whether the API complains about tool calls without results or the reverse (repair once, UPS-01)."""
        text = self.message.casefold()
        return self.kind is FaultKind.bad_request and ("tool_use" in text or "tool_result" in text)

    def __repr__(self) -> str:
        return f"ModelFault({self.kind.value}, status={self.status}, {self.message!r})"


class ErrorBody(msgspec.Struct, frozen=True):
    """What an error body of the Messages API says; all empty when it is not one (a proxy's page)."""

    type: str = ""
    message: str = ""
    code: str = ""
    request_id: str = ""


def read_error_body(body: object) -> ErrorBody:
    """Take `{"type": "error", "error": {…}, "request_id": …}` apart; anything else gives empty fields."""
    if not isinstance(body, Mapping):
        return ErrorBody()
    error = body.get("error")
    if not isinstance(error, Mapping):
        return ErrorBody(message=_text(error), request_id=_text(body.get("request_id")))
    details = error.get("details")
    code = error.get("error_code") or (details.get("error_code") if isinstance(details, Mapping) else "")
    return ErrorBody(
        type=_text(error.get("type")),
        message=_text(error.get("message")),
        code=_text(code),
        request_id=_text(body.get("request_id")),
    )


_BY_TYPE = {
    "invalid_request_error": FaultKind.bad_request,
    "authentication_error": FaultKind.authentication,
    "permission_error": FaultKind.permission,
    "not_found_error": FaultKind.not_found,
    "request_too_large": FaultKind.too_large,
    "billing_error": FaultKind.spend_limit,
    "rate_limit_error": FaultKind.rate_limited,
    "overloaded_error": FaultKind.overloaded,
    "api_error": FaultKind.server,
    "timeout_error": FaultKind.server,
}
_BY_STATUS = {
    401: FaultKind.authentication,
    402: FaultKind.spend_limit,
    403: FaultKind.permission,
    404: FaultKind.not_found,
    408: FaultKind.server,
    409: FaultKind.server,
    413: FaultKind.too_large,
    429: FaultKind.rate_limited,
    529: FaultKind.overloaded,
}
_TOO_LONG = ("prompt is too long", "context window", "context limit", "context length")


def classify(status: int, body: ErrorBody) -> FaultKind:
    """The kind of an error answer. Inside a 200 stream the body's type alone decides (UPS-08)."""
    text = body.message.casefold()
    if body.code == "enforced_spend_limit_reached" or "credit balance is too low" in text:
        return FaultKind.spend_limit
    kind = _BY_TYPE.get(body.type) or _by_status(status)
    if kind is FaultKind.bad_request and any(words in text for words in _TOO_LONG):
        return FaultKind.too_large
    return kind


def _by_status(status: int) -> FaultKind:
    if status >= 500 or status < 300:
        return _BY_STATUS.get(status, FaultKind.server)
    return _BY_STATUS.get(status, FaultKind.bad_request)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """`retry-after-ms` or `retry-after` (seconds or an HTTP date) in seconds; None when absent or senseless.

    Not capped: how long to obey is the caller's policy.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
