"""Streams under a live screen: cost per event, how many run, how fast keys are painted."""

import time
from functools import cache

import msgspec

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.machine import median, percentile, run_sdk_loop, waited_for_core_s
from tests.benchmarks.paced_server import RATE
from tests.benchmarks.terminal import Screen, open_screen

LEAST_PAINTS = 10.0
MOST_KEY_MS = 100.0
SETTLE_S = 3.0
REPEATS = 3
FEW = 10


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A team that streamed for a while under a screen in a terminal, while somebody typed."""

    teammates: int
    us_per_event: float
    rate: float
    """Events a second of each teammate, as they reached the state."""
    paints: float
    key_p50_ms: float
    key_p99_ms: float
    busy: float
    """Part of one core."""
    waited: float
    """Part of the time in which other programs had our core."""
    server_late_ms: float
    server_blocked: int

    @property
    def void(self) -> str:
        """Why a throughput of this scene does not count."""
        if self.paints < LEAST_PAINTS:
            return f"only {self.paints:.0f} paints/s"
        return f"keys p99 {self.key_p99_ms:.0f} ms" if self.key_p99_ms > MOST_KEY_MS else ""

    def words(self) -> str:
        """What it was made of."""
        server = f", server late {self.server_late_ms:.0f} ms" if self.server_late_ms > 20 else ""
        blocked = f", {self.server_blocked} writes held up" if self.server_blocked else ""
        return (
            f"{self.us_per_event:.0f} µs/event at {self.rate:.1f}/s each, core {self.busy:.0%} busy"
            f" (others had it {self.waited:.0%}), {self.paints:.0f} paints/s,"
            f" keys p50 {self.key_p50_ms:.0f} p99 {self.key_p99_ms:.0f} ms{server}{blocked}"
        )


def play(bench: Bench, teammates: int, *, keys: int) -> Scene:
    """Let them stream, and type meanwhile."""
    with open_screen(bench.server.url, teammates, f"paced-{RATE}") as screen:
        screen.wait_until("streaming", teammates)
        screen.terminal.write("m")
        time.sleep(bench.seconds(SETTLE_S))
        return _measure(bench, screen, teammates, keys)


def _measure(bench: Bench, screen: Screen, teammates: int, keys: int) -> Scene:
    server, waited = bench.server.stats(), waited_for_core_s(screen.pid)
    before = screen.ask("facts")
    took = screen.terminal.type_marks(keys, 0.06)
    after = screen.ask("facts")
    waited = waited_for_core_s(screen.pid) - waited
    events, seconds = after["events"] - before["events"], after["wall"] - before["wall"]
    cpu = after["cpu"] - before["cpu"]
    served = bench.server.stats()
    return Scene(
        teammates=teammates,
        us_per_event=cpu / events * 1e6,
        rate=events / seconds / teammates,
        paints=screen.terminal.paints(before["wall"], after["wall"]) / seconds,
        key_p50_ms=median(took) * 1000,
        key_p99_ms=percentile(took, 0.99) * 1000,
        busy=cpu / seconds,
        waited=waited / seconds,
        server_late_ms=served["late_ms"],
        server_blocked=served["blocked"] - server["blocked"],
    )


@cache
def scenes(bench: Bench, teammates: int) -> tuple[Scene, ...]:
    """Played once for all rows that ask."""
    return tuple(play(bench, teammates, keys=bench.times(160)) for _ in range(bench.times(REPEATS)))


def middle(played: tuple[Scene, ...]) -> Scene:
    """The one with the middle cost, and the middle of the keys' p99."""
    ordered = sorted(played, key=lambda scene: scene.us_per_event)
    key_p99_ms = median([scene.key_p99_ms for scene in played])
    return msgspec.structs.replace(ordered[(len(ordered) - 1) // 2], key_p99_ms=key_p99_ms)


def stream_vs_sdk(bench: Bench) -> list[Figure]:
    """CPU per event of everything of ours ÷ the SDK's bare loop: medians of runs right after one another."""
    found = []
    for teammates in bench.sizes:
        bare: list[float] = []
        for _ in range(bench.times(REPEATS)):
            told = run_sdk_loop(bench.server.url, teammates, bench.seconds(6.0), RATE)
            bare.append(told["us_per_event"])
        scene = middle(scenes(bench, teammates))
        found.append(
            Figure(
                name="stream_vs_sdk",
                teammates=teammates,
                figure=scene.us_per_event / median(bare),
                goal=1.0 if teammates == bench.sizes[0] else None,
                void=scene.void,
                limit=f"bare SDK {median(bare):.0f} µs/event; ours {scene.words()}",
            )
        )
    return found


def live_1000(bench: Bench) -> list[Figure]:
    """Sustained events a second of each of so many teammates."""
    return [
        Figure(
            name="live_1000",
            teammates=teammates,
            figure=scene.rate,
            unit="/s each",
            goal=10.0 if teammates == bench.sizes[1] else None,
            at_least=True,
            void=scene.void,
            limit=f"the server offers {RATE}/s; {scene.words()}",
        )
        for teammates in bench.sizes
        for scene in [middle(scenes(bench, teammates))]
    ]


def stream_scaling(bench: Bench) -> list[Figure]:
    """CPU per event of many ÷ of ten."""
    few = middle(scenes(bench, min(FEW, bench.sizes[0])))
    return [
        Figure(
            name="stream_scaling",
            teammates=teammates,
            figure=scene.us_per_event / few.us_per_event,
            goal=1.5 if teammates == bench.sizes[1] else None,
            void=scene.void,
            limit=f"{few.us_per_event:.0f} µs at {few.teammates} (the screen's fixed cost over few events);"
            f" {scene.us_per_event:.0f} µs here",
        )
        for teammates in bench.sizes
        for scene in [middle(scenes(bench, teammates))]
    ]


def key_to_paint_1000(bench: Bench) -> list[Figure]:
    """From a letter's key to that letter on the terminal, p99."""
    return [
        Figure(
            name="key_to_paint_1000",
            teammates=teammates,
            figure=scene.key_p99_ms,
            unit="ms",
            goal=MOST_KEY_MS,
            limit=scene.words(),
        )
        for teammates in bench.sizes
        for scene in [middle(scenes(bench, teammates))]
    ]
