"""The usage of one response from the API's cumulative figures. Pure; what is not a count is 0."""

from collections.abc import Mapping
from typing import Any

from quarterdeck.domain.usage import Usage


class Meter:
    """Takes the `usage` objects of one stream in order; the last figure of each field holds."""

    __slots__ = ("_fields", "model")

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self.model = ""

    def take(self, usage: object) -> None:
        """Merge one `usage` object; nulls never overwrite."""
        if isinstance(usage, Mapping):
            self._fields.update((key, value) for key, value in usage.items() if value is not None)

    def usage(self) -> Usage:
        """The sum of this one response.

        The top-level figures leave out what a server-side compaction used (API: `usage.iterations`);
        it is added. What another model used (advisor) is not: one response is priced by one model.
        """
        total = _counts(self._fields, self.model)
        for part in _iterations(self._fields):
            if part.get("type") == "compaction":
                total += _counts(part, "")
        tier = self._fields.get("service_tier")
        return total + Usage(requests=1, service_tier=tier if isinstance(tier, str) else "")


def _iterations(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = fields.get("iterations")
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _counts(fields: Mapping[str, Any], model: str) -> Usage:
    split = fields.get("cache_creation")
    by_lifetime: Mapping[str, Any] = split if isinstance(split, Mapping) else {}
    one_hour = _count(by_lifetime.get("ephemeral_1h_input_tokens"))
    five_minutes = _count(by_lifetime.get("ephemeral_5m_input_tokens"))
    # Older servers give the sum only; then all of it counts as the shorter lifetime.
    written = max(_count(fields.get("cache_creation_input_tokens")), one_hour + five_minutes)
    return Usage(
        input=_count(fields.get("input_tokens")),
        output=_count(fields.get("output_tokens")),
        cache_read=_count(fields.get("cache_read_input_tokens")),
        cache_write_5m=written - one_hour,
        cache_write_1h=one_hour,
        model=model,
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
