"""The one line that a person reads about each kind of fault: what happened, and what to do."""

import re

from quarterdeck.domain.display_text import clean_line
from quarterdeck.llm.faults import ErrorBody, FaultKind

LONGEST = 300
"""Characters of the API's own words that are shown."""

_SECRET = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}|\bBearer\s+\S+|(?<=://)[^/@\s]+(?=@)")
"""Keys, tokens, and the user and password of an address."""

_LINES = {
    FaultKind.bad_request: "The model refused the request{status}{words}.",
    FaultKind.authentication: "The model refused the key{status}. Set ANTHROPIC_API_KEY, then r revives it.",
    FaultKind.permission: "The key may not do this{status}{words}. Use a key with access, or another model.",
    FaultKind.not_found: "No such model or address{status}{words}. Check the model's name and the base URL.",
    FaultKind.too_large: "The request is too large for the model{status}{words}. Compact the conversation.",
    FaultKind.spend_limit: "The credit or spend limit is used up{status}{words}. Raise it; r revives it.",
    FaultKind.rate_limited: "Upstream limits the rate{status}.",
    FaultKind.overloaded: "Upstream is overloaded{status}.",
    FaultKind.server: "Upstream failed{status}{words}.",
    FaultKind.connection: "No connection to the model{words}. Check the network and the base URL.",
    FaultKind.incomplete: "The answer ended before it was whole; it was discarded.",
    FaultKind.malformed: "The answer is no Messages API stream{words}. Check the base URL.",
    FaultKind.stalled: "The model sent nothing{words}; the stream was cut.",
    FaultKind.aborted: "The stream was closed: its run was ended.",
}


def fault_line(kind: FaultKind, *, status: int | None = None, words: str = "") -> str:
    """One clean line. `words` is what the other side said: it is untrusted, cut, and stripped of secrets."""
    said = one_line(words)[:LONGEST].rstrip(" .")
    return _LINES[kind].format(
        status=f" ({status})" if status is not None else "",
        words=f": {said}" if said else "",
    )


def body_line(kind: FaultKind, status: int, body: ErrorBody) -> str:
    """The line for an error answer; a 2xx status says nothing about an `error` event and is left out."""
    return fault_line(kind, status=None if 200 <= status < 300 else status, words=body.message)


def one_line(text: str) -> str:
    """`text` on one line, fit for the screen, without anything that looks like a key."""
    return clean_line(_SECRET.sub("[key]", " ".join(text.split())))
