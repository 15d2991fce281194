"""The scenes that are kept as snapshots: a state, a size, and what the person pressed."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from quarterdeck.domain.archive import LastSession, SearchFound
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.settings import SignSet
from tests.support import archives, past_story, states
from tests.support.fake_controller import FakeSession
from tests.support.hand import Hand
from tests.support.states import NOW, fold, run

NARROW, MIDDLE, WIDE = (80, 24), (120, 36), (200, 60)
Play = Callable[[Hand], Awaitable[None]]

HOSTILE = (
    "echo \x1b[31mred\x1b]0;owned\x07 \u202etxt.exe\u202c a\u200bb [/] [@click=app.quit]x[/] "
    "пай\tpal" + " " * 60 + "; rm -rf ~\r\n:(){ :|:& };:"
)


class Scene(msgspec.Struct, frozen=True):
    """One screen to look at."""

    size: tuple[int, int]
    state: Callable[[], AppState] = states.shop
    play: Play | None = None
    told: Sequence[did.Action] = ()
    """Facts that the past knows of too, told after the state."""
    signs: SignSet = SignSet.UNICODE
    no_color: bool = False
    theme: str = "quarterdeck-dark"


def keys(*pressed: str) -> Play:
    """These keys, a second apart."""

    async def play(hand: Hand) -> None:
        await hand.press(*pressed)

    return play


def typed(*pressed: str, text: str) -> Play:
    """These keys, then a text as it is typed."""

    async def play(hand: Hand) -> None:
        await hand.press(*pressed)
        await hand.press(*("space" if char == " " else char for char in text))

    return play


def kept(*pressed: str, find: str = "", then: tuple[str, ...] = ()) -> Play:
    """With something in the archive: these keys, then words to find, then these keys."""

    async def play(hand: Hand) -> None:
        archives.fill(hand.archive)
        if find not in ("", archives.WORD):
            hand.archive.found = SearchFound((), 611)
        await hand.press(*pressed)
        if find:
            await hand.find(find)
        await hand.press(*then)

    return play


def at_row(name: str, *pressed: str) -> Play:
    """These keys on the row of a teammate."""

    async def play(hand: Hand) -> None:
        hand.app.deck.roster.select(run(name))
        await hand.settle()
        await hand.press(*pressed)

    return play


def with_facts(*facts: did.Action) -> Callable[[], AppState]:
    """The shop, and then these."""
    return lambda: fold(states.shop(), facts)


def revised() -> AppState:
    """The plan came back changed, with an answer to the reason."""
    return fold(states.shop(), states.plan("coder", version=2, at=NOW - 12))


def with_a_rule() -> AppState:
    """A permission that a rule can answer for longer."""
    return team("tester", states.permission("tester", subject="pytest -q tests/", rule="Bash(pytest:*)"))


def asked() -> AppState:
    """A question with options."""
    return team("coder", states.question("coder"))


def hostile() -> AppState:
    """A permission, a plan's row and a message full of what must not reach the terminal."""
    text = "Look: \x1b]52;c;cm0=\x07 \x9b2J \u202eevil\u202c [/usr/bin] [@click=app.quit]x[/] <b>&amp;"
    return team(
        "tester",
        states.permission("tester", subject=HOSTILE),
        states.working("re\x1bd\u202eu", color=2),
        [states.said("re\x1bd\u202eu", text)],
    )


def wide_names() -> AppState:
    """Names and texts of two cells a character, and of characters that join."""
    facts = [
        *states.working("测试员小王同志们好", color=1),
        *states.permission("测试员小王同志们好", subject="echo 你好，世界 && printf '%s' ｗｉｄｅ"),
        *states.working("e\u0301te\u0301", color=2),
        states.tool_started("e\u0301te\u0301", title="cafe\u0301 👩‍👩‍👧‍👦 flags 🇩🇪 done"),
        *states.idle("ビルダー", color=3, said="完了しました。全部の端数を確認しました。次の仕事を待つ。"),
    ]
    return fold(AppState(), [states.opened(), *facts])


def killing() -> AppState:
    """Killed a moment ago: three of fourteen processes are left."""
    return fold(
        states.shop(),
        [
            *states.permission("builder", at=NOW - 5, subject="ls", request_id="perm-builder"),
            states.killed("builder", at=NOW - 0.2),
            did.KillStreamClosed(at=NOW - 0.2, run_id=run("builder"), after_s=0.003),
            did.KillProcessesCounted(at=NOW - 0.1, run_id=run("builder"), left=3, total=14, after_s=0.1),
        ],
    )


def killed() -> AppState:
    """Killed, all proved, on its way out."""
    return fold(
        states.shop(), [states.killed("builder", at=NOW - 0.2), *states.proved("builder", at=NOW - 0.2)]
    )


def detached() -> AppState:
    """Killed, and its task does not end."""
    return fold(
        states.shop(),
        [
            states.killed("builder", at=NOW - 20, processes=2),
            did.KillStreamClosed(at=NOW - 20, run_id=run("builder"), after_s=0.003),
            did.KillProcessesCounted(at=NOW - 20, run_id=run("builder"), left=1, total=2, after_s=5.0),
        ],
    )


def family() -> AppState:
    """A teammate that spawned two others."""
    children = [states.spawned(name, parent=run("builder"), color=7) for name in ("lint", "wheel")]
    return fold(states.shop(), [*children, states.ready("lint"), states.ready("wheel")])


def past() -> AppState:
    """Four runs have ended and left."""
    facts: list[did.Action] = []
    for number, (name, outcome) in enumerate(
        (
            ("scout", Outcome.COMPLETED),
            ("fuzzer", Outcome.TIMED_OUT),
            ("linter", Outcome.STOPPED),
            ("broken", Outcome.FAILED),
        )
    ):
        at = NOW - 300 + 40 * number
        facts += states.working(name, at=at - 60, color=number + 1)
        facts += [
            states.used(name, 3_000 * (number + 1), at=at),
            states.ended(name, outcome, at=at, error="401, key refused" if outcome is Outcome.FAILED else ""),
            states.evicted(name, at=at + 20),
        ]
    return fold(states.shop(), [*facts, states.evicted("runaway", at=NOW)])


def trouble() -> AppState:
    """Failed, quiet too long, paused, waiting for the model, stopping: one row of each."""
    return fold(
        AppState(),
        [
            states.opened(),
            *states.working("failing", color=1),
            states.ended("failing", Outcome.FAILED, at=NOW - 30, error="401, key refused"),
            *states.working("quiet", at=NOW - 700, color=2),
            *states.working("paused", color=3),
            did.TeammatePaused(at=NOW - 20, run_id=run("paused"), by="you"),
            *states.working("leaving", color=4),
            did.StopRequested(at=NOW - 20, run_id=run("leaving"), deadline_at=NOW + 40),
        ],
    )


def team(name: str, *groups: list[did.Action]) -> AppState:
    """One teammate at work, and then these."""
    return fold(
        AppState(),
        [states.opened(), *states.working(name), *(fact for group in groups for fact in group)],
    )


def a_change() -> AppState:
    """A file to be written, with its diff."""
    lines = ("--- a/pyproject.toml", "+++ b/pyproject.toml", "@@ -7 +7 @@", "-size = 1", "+size = 2")
    path = "/home/me/src/shop/pyproject.toml"
    return team("tester", states.permission("tester", tool="Edit", subject=path, preview="\n".join(lines)))


async def _resized(hand: Hand) -> None:
    """A long command read to its end, then the terminal made smaller."""
    assert hand.pilot is not None
    await hand.press("n", "n", "G")
    await hand.pilot.resize_terminal(60, 16)
    await hand.settle()


async def _withdrawn(hand: Hand) -> None:
    """Killed elsewhere while its plan is read."""
    await hand.press("n")
    await hand.tell(states.killed("coder", at=hand.wall(), processes=0), *states.proved("coder", processes=0))


async def _with_a_last(hand: Hand) -> None:
    """Welcome, in a folder in which there was a session."""
    session = hand.app._controller.session
    assert isinstance(session, FakeSession)
    session.last = LastSession(
        id=archives.OTHER, last_at=NOW - archives.DAY, teammates=6, requests=2, crashed=True
    )
    hand.app._desks.welcome.open()
    await hand.until(lambda: hand.app.deck.welcome.last is not None)


async def _changed(hand: Hand) -> None:
    """Another version while the first is read."""
    await hand.press("n")
    await hand.tell(*states.plan("coder", version=2, at=hand.wall()))


SMALLEST = (60, 16)
BEFORE_THE_KILL = keys("l", *["left_square_bracket"] * 3, "left", "down", "down")
"""The past, a moment before `runaway` is killed, its lane chosen."""

TWO, THREE = (NARROW, MIDDLE), (NARROW, MIDDLE, WIDE)

_AT_SIZES: list[tuple[str, tuple[tuple[int, int], ...], Callable[[], AppState], Play | None]] = [
    ("01-work", THREE, states.shop, at_row("builder")),
    ("02-plan", THREE, states.shop, keys("n")),
    ("03-revision", THREE, revised, keys("n", "n")),
    ("04-reason", TWO, states.shop, typed("n", "d", text="Half-up, please.")),
    ("05-permission", TWO, states.shop, keys("n", "n")),
    ("05-permission-end", ((60, 16),), states.shop, keys("n", "n", "G")),
    ("05-permission-resized", (NARROW,), states.shop, _resized),
    ("05-change", (NARROW,), a_change, keys("n")),
    ("06-wider", TWO, with_a_rule, keys("n", "w")),
    ("06-question", TWO, asked, keys("n", "2")),
    ("07-transcript", TWO, states.shop, at_row("builder", "right")),
    ("07-transcript-open", (MIDDLE,), states.shop, at_row("builder", "right", "O")),
    ("08-composer", TWO, states.shop, at_row("builder", "m", "slash", "s")),
    ("10-history", TWO, past, keys("h")),
    (
        "10-history-sessions",
        (SMALLEST, *THREE),
        past,
        kept("h", "down", "down", "down", "down", "down", "down"),
    ),
    ("10-history-looked-at", TWO, past, kept("h", "end", "up", "up", "up", then=("enter",))),
    ("12-search", (SMALLEST, *THREE), states.shop, kept("slash", find=archives.WORD, then=("down", "down"))),
    ("12-search-results", (MIDDLE,), states.shop, kept("slash", find=archives.WORD, then=("enter", "end"))),
    ("12-search-nothing", (NARROW,), states.shop, kept("slash", find="zebra")),
    ("12-search-empty", (NARROW,), states.shop, kept("slash")),
    ("12-search-place", TWO, states.shop, kept("slash", find=archives.WORD, then=("enter", "end", "enter"))),
    ("14-help", TWO, states.shop, keys("question_mark")),
    ("15-welcome", TWO, lambda: states.empty(model=None), None),
    ("15-welcome-last", (SMALLEST, *TWO), lambda: states.empty(model=None), _with_a_last),
    ("15-empty", (MIDDLE,), states.empty, None),
    ("15-palette", (MIDDLE,), states.shop, keys("colon", "t", "h")),
    ("16-killing", TWO, killing, at_row("builder")),
    ("17-killed", TWO, killed, at_row("builder")),
    ("17-detached", (MIDDLE,), detached, at_row("builder")),
    ("18-family", TWO, family, at_row("builder", "x")),
    ("18-quit", (MIDDLE,), states.shop, keys("ctrl+q")),
    ("20-too-small", ((10, 2), (24, 8), (48, 12)), states.shop, None),
    ("22-withdrawn", (NARROW,), states.shop, _withdrawn),
    ("22-changed", (MIDDLE,), states.shop, _changed),
    ("23-inbox", (NARROW,), states.shop, keys("2")),
    ("24-trouble", (NARROW,), trouble, None),
    ("25-hostile", TWO, hostile, keys("n")),
    ("26-wide-names", TWO, wide_names, None),
]

SCENES: dict[str, Scene] = (
    {
        f"{name}.{width}x{height}": Scene((width, height), state, play)
        for name, sizes, state, play in _AT_SIZES
        for width, height in sizes
    }
    | {
        f"09-timeline.{width}x{height}": Scene(
            (width, height), AppState, keys("l", "left"), told=past_story.story()
        )
        for width, height in (*THREE, (60, 16))
    }
    | {
        "09-timeline-kill.120x36": Scene(MIDDLE, AppState, BEFORE_THE_KILL, told=past_story.story()),
        "09-timeline-transcript.80x24": Scene(NARROW, AppState, keys("l", "enter"), told=past_story.story()),
        "09-timeline-ascii.80x24": Scene(
            NARROW, AppState, BEFORE_THE_KILL, told=past_story.story(), signs=SignSet.ASCII
        ),
        "09-timeline-words.120x36": Scene(
            MIDDLE, AppState, BEFORE_THE_KILL, told=past_story.story(), signs=SignSet.WORDS
        ),
        "09-timeline-no-color.120x36": Scene(
            MIDDLE, AppState, BEFORE_THE_KILL, told=past_story.story(), no_color=True
        ),
        "09-timeline-light.80x24": Scene(
            NARROW, AppState, BEFORE_THE_KILL, told=past_story.story(), theme="quarterdeck-light"
        ),
    }
    | {
        "12-search-ascii.80x24": Scene(
            NARROW, play=kept("slash", find=archives.WORD, then=("down",)), signs=SignSet.ASCII, no_color=True
        ),
        "12-search-no-color.80x24": Scene(
            NARROW, play=kept("slash", find=archives.WORD, then=("down",)), no_color=True
        ),
        "10-history-ascii.80x24": Scene(
            NARROW, past, kept("h", "end", "up", "up"), signs=SignSet.ASCII, no_color=True
        ),
        "21-ascii.80x24": Scene(NARROW, play=at_row("builder"), signs=SignSet.ASCII),
        "21-ascii.120x36": Scene(MIDDLE, play=at_row("builder"), signs=SignSet.ASCII),
        "21-words.120x36": Scene(MIDDLE, play=at_row("builder"), signs=SignSet.WORDS),
        "21-no-color.120x36": Scene(MIDDLE, revised, keys("n", "n"), no_color=True),
        "24-trouble-contrast.80x24": Scene(NARROW, trouble, theme="quarterdeck-contrast"),
        "21-light.120x36": Scene(MIDDLE, play=at_row("builder"), theme="quarterdeck-light"),
    }
)
