"""Whether memory grows while a team works for long, some requests fail, and failed ones are revived."""

import math
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.terminal import Screen, open_screen

TEAMMATES = 20
EVENTS = 400
"""Of a turn: twenty seconds, ten kilobytes."""
MOST_STEPS = 6
"""Answers in one conversation; then its teammate is killed and another one begins, so that what lives has
the same size all the time: what grows is what is left behind."""
KILLED_S = 3.0
"""As the program is shipped."""
TEND_EVERY_S = 0.5
SAMPLE_EVERY_S = 5.0
QUICK_S = 6.0
GOAL_MB_AN_HOUR = 1.0
Point = tuple[float, float]
"""Seconds, and a value."""


class Slope(msgspec.Struct, frozen=True):
    """A line through points, by least squares."""

    per_second: float
    error: float
    """The slope's standard error."""


def fit(points: Sequence[Point]) -> Slope:
    """Through at least two points at different times."""
    count = len(points)
    mean_at = sum(at for at, _ in points) / count
    mean = sum(value for _, value in points) / count
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    per_second = sum((at - mean_at) * (value - mean) for at, value in points) / spread
    left = sum((value - mean - per_second * (at - mean_at)) ** 2 for at, value in points)
    return Slope(per_second, math.sqrt(left / max(1, count - 2) / spread))


def soak(bench: Bench) -> list[Figure]:
    """The slope of the resident memory over the second half, garbage collected before each sample."""
    seconds = QUICK_S if bench.quick else bench.soak_minutes * 60
    every_s, events = (0.5, 20) if bench.quick else (SAMPLE_EVERY_S, EVENTS)
    before = bench.server.stats()
    with open_screen(bench.server.url, TEAMMATES, f"faulty-{events}", KILLED_S) as screen:
        points, told = _watch(screen, seconds, every_s)
    served = bench.server.stats()
    requests = served["faulty_requests"] - before["faulty_requests"]
    faults = served["faults"] - before["faults"]
    later = [point for point in points if point[0] >= seconds / 2]
    slope = fit(later)
    an_hour = 3600 / 1e6
    first, last = points[0][1] / 1e6, points[-1][1] / 1e6
    return [
        Figure(
            name="soak",
            teammates=TEAMMATES,
            figure=slope.per_second * an_hour,
            unit="MB/h",
            goal=GOAL_MB_AN_HOUR,
            void="" if faults else "no request failed",
            limit=f"± {slope.error * an_hour:.2f} over the last {seconds / 2:.0f} of {seconds:.0f} s,"
            f" {len(later)} samples, {first:.1f} to {last:.1f} MB in all;"
            f" {requests} requests, {faults} failed, {told['revived']} revived, {told['replaced']} replaced,"
            f" {told['runs']} runs, {told['evicted']} of them evicted",
        )
    ]


def _watch(screen: Screen, seconds: float, every_s: float) -> tuple[list[Point], dict[str, Any]]:
    """Resident bytes at times since the beginning; what was done to the team."""
    points: list[Point] = []
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        told = screen.ask("tend", steps=MOST_STEPS)
        if now >= len(points) * every_s:
            points.append((now, float(screen.ask("collect", whole=True)["rss"])))
        time.sleep(TEND_EVERY_S)
    return points, told
