"""Which field is open under a request, what is written in it, and for which version it was opened.

The fields themselves keep their drafts by key, so that looking elsewhere loses nothing.
"""

from enum import StrEnum

import msgspec

from quarterdeck.domain.requests import Request


class Writes(StrEnum):
    """What is written."""

    REASON = "reason"
    COMMENT = "comment"
    ANSWER = "answer"
    PLAN = "plan"


class OpenField(msgspec.Struct, frozen=True):
    """One field that is open."""

    writes: Writes
    about: str
    """The key of its draft."""
    version: int
    """The version of the request that was shown when it was opened."""
    quote: str = ""
    """The step that a comment is on."""


def open_field(request: Request, writes: Writes, quote: str) -> OpenField:
    """The field for one purpose. A comment or an edit is about one version, a reason about the request."""
    about = f"{request.id}/{writes.value}"
    if writes in (Writes.COMMENT, Writes.PLAN):
        about += f"/{request.version}/{quote}"
    return OpenField(writes, about, request.version, quote)
