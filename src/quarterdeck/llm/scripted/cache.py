"""The prompt cache's accounting, real: what a request would read, write and pay. Never keeps the blocks.

Tokens of a block = its compact JSON's UTF-8 bytes over four, rounded up. The prefix runs over tools, system
and messages; `cache_control` is no part of a block. A request reads the longest prefix up to its own last
breakpoint that an earlier one wrote, and writes at its own breakpoints.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from quarterdeck.llm.scripted.conversation import blocks_of
from quarterdeck.llm.scripted.scenario import CacheSettings

FORGET_EVERY_S = 60.0
"""How often expired entries are thrown away."""

_encode = msgspec.json.Encoder(order="sorted").encode


class PromptUsage(msgspec.Struct, frozen=True):
    """What a request's prompt costs, in tokens; the three parts add up to all of it."""

    fresh: int
    read: int
    written_short: int
    written_long: int

    def figures(self, output: int) -> dict[str, Any]:
        """The API's `usage` object."""
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.written_short + self.written_long,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_short,
                "ephemeral_1h_input_tokens": self.written_long,
            },
            "output_tokens": output,
            "service_tier": "standard",
        }


class _Piece(msgspec.Struct, frozen=True):
    place: bytes
    block: bytes
    ttl: str | None
    """`5m` or `1h` where the block is a breakpoint."""


class _Entry(msgspec.Struct, frozen=True):
    expires_at: float
    lifetime_s: float


def tokens_of(block: Any) -> int:
    """The tokens of one block, `cache_control` aside."""
    return tokens_in(_bare(block))


def tokens_in(raw: bytes) -> int:
    """The tokens of some bytes."""
    return -(-len(raw) // 4)


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """The tokens of a whole request."""
    return sum(tokens_in(piece.block) for piece in _pieces(request))


class PromptCache:
    """What was written, by a digest of the prefix, until it expires."""

    def __init__(self, settings: CacheSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._entries: dict[bytes, _Entry] = {}
        self._looked_at = clock()

    def account(self, request: Mapping[str, Any]) -> PromptUsage:
        """Read, renew and write for one request that is answered now."""
        now = self._clock()
        self._forget(now)
        pieces = tuple(_pieces(request))
        prefixes = tuple(_prefixes(str(request.get("model", "")), pieces))
        total = prefixes[-1][1] if prefixes else 0
        marks = [place for place, piece in enumerate(pieces) if piece.ttl]
        last = marks[-1] if marks else -1
        hit = next((n for n in range(last, -1, -1) if self._lives(prefixes[n][0], now)), -1)
        read = prefixes[hit][1] if hit >= 0 else 0
        if hit >= 0:
            self._write(prefixes[hit][0], self._entries[prefixes[hit][0]].lifetime_s, now)
        written = {"5m": 0, "1h": 0}
        done = read
        for place in marks:
            key, upto = prefixes[place]
            if place <= hit or upto < self._settings.minimum_tokens:
                continue
            ttl = "1h" if pieces[place].ttl == "1h" else "5m"
            written[ttl] += upto - done
            done = upto
            long = ttl == "1h"
            self._write(key, self._settings.long_lifetime_s if long else self._settings.lifetime_s, now)
        return PromptUsage(total - done, read, written["5m"], written["1h"])

    def _lives(self, key: bytes, now: float) -> bool:
        entry = self._entries.get(key)
        return entry is not None and now < entry.expires_at

    def _write(self, key: bytes, lifetime_s: float, now: float) -> None:
        self._entries[key] = _Entry(now + lifetime_s, lifetime_s)

    def _forget(self, now: float) -> None:
        if now < self._looked_at + FORGET_EVERY_S:
            return
        self._looked_at = now
        expired = [key for key, entry in self._entries.items() if entry.expires_at <= now]
        for key in expired:
            del self._entries[key]


def _bare(block: Any) -> bytes:
    if isinstance(block, Mapping) and "cache_control" in block:
        return _encode({key: value for key, value in block.items() if key != "cache_control"})
    return _encode(block)


def _pieces(request: Mapping[str, Any]) -> Iterator[_Piece]:
    for tool in request.get("tools") or ():
        yield _piece(b"tools", tool)
    for block in blocks_of(request.get("system")):
        yield _piece(b"system", block)
    for message in request.get("messages") or ():
        for place, block in enumerate(blocks_of(message.get("content"))):
            yield _piece(b"%s %d" % (str(message.get("role")).encode(), min(place, 1)), block)


def _piece(place: bytes, block: Any) -> _Piece:
    mark = block.get("cache_control") if isinstance(block, Mapping) else None
    return _Piece(place, _bare(block), str(mark.get("ttl") or "5m") if mark else None)


def _prefixes(model: str, pieces: tuple[_Piece, ...]) -> Iterator[tuple[bytes, int]]:
    """For each piece the digest of everything up to it, and the tokens up to it."""
    digest = hashlib.sha256(model.encode())
    tokens = 0
    for piece in pieces:
        digest.update(b"%s %d " % (piece.place, len(piece.block)))
        digest.update(piece.block)
        tokens += tokens_in(piece.block)
        yield digest.digest(), tokens
