"""What one response cost in tokens, as the Messages API reports it, and sums of it."""

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one or several responses (Messages API `usage`, last cumulative figures)."""

    input: int = 0
    """Uncached input tokens."""
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    requests: int = 0
    """How many responses are summed here."""
    service_tier: str = ""
    model: str = ""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write_5m=self.cache_write_5m + other.cache_write_5m,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            requests=self.requests + other.requests,
            service_tier=other.service_tier or self.service_tier,
            model=other.model or self.model,
        )

    @property
    def total(self) -> int:
        """All tokens, cached or not, in and out."""
        return self.input + self.output + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def cache_hit_rate(self) -> float | None:
        """Read / (uncached input + writes + read), 0-1; None without input."""
        whole = self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
        return self.cache_read / whole if whole else None


NO_USAGE = Usage()
