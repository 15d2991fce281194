"""Where everything stands at a size of the terminal: heights and what is left out. Pure arithmetic."""

import msgspec

WIDE = 100
LEAST_WIDTH, LEAST_HEIGHT = 60, 16
NARROW_ROWS = 8
LEFT_SHARE = 0.42
WIDE_TEAM_SHARE = 0.4
LEAST_PANEL = 3
TIMELINE_FRAME = 4
"""Lines of a timeline beside its lanes: title, times, event, legend; wide one more, for how fast it went."""
LEAST_TIMELINE = 6
TIMELINE_SHARE = 0.45
LEAST_PAST_TEXT = 5
"""Lines that the transcript of a moment keeps beside the lanes."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show."""

    team_lines: int
    """The team's head and rows."""
    inbox_lines: int
    """Title and entries; 0 = nothing needs the person."""
    main_first: bool = False
    """A request, transcript or view has the keys: in a narrow terminal it takes the team's place."""
    zoomed: bool = False
    writes: bool = False
    """The composer has the keys."""
    composer_rows: int = 1
    welcome: bool = False
    inbox_has_keys: bool = False
    whole: bool = False
    """A view that takes all between header and notice."""
    past: bool = False
    """The past takes all above the notice, the header too."""


class Arrangement(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and columns for each part; 0 = not shown."""

    too_small: bool = False
    is_wide: bool = False
    team: int = 0
    strip: bool = False
    left: int = 0
    """Columns of the left panels, without the divider."""
    inbox: int = 0
    log: int = 0
    composer: int = 0
    """Lines of text in the composer."""
    composer_rule: bool = False
    main: int = 0
    past: int = 0


class PastArrangement(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and columns for the parts of the past; 0 = not shown."""

    timeline: int
    team: int = 0
    left: int = 0
    """Columns of the events at the left."""


def arrange(width: int, height: int, wish: Wish) -> Arrangement:
    """Share out `width` × `height` cells."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return Arrangement(too_small=True)
    if wish.past:
        return Arrangement(is_wide=width >= WIDE, past=height - 2)
    if wish.welcome:
        return Arrangement(is_wide=width >= WIDE, main=height - 3)
    if wish.whole:
        return Arrangement(is_wide=width >= WIDE, main=height - 3)
    return _wide(width, height, wish) if width >= WIDE else _narrow(height, wish)


def _wide(width: int, height: int, wish: Wish) -> Arrangement:
    composer = max(1, min(wish.composer_rows, 6))
    rest = height - 1 - 1 - (composer + 1) - 1
    if wish.zoomed:
        return Arrangement(is_wide=True, composer=composer, composer_rule=True, main=rest)
    team = max(2, min(wish.team_lines, int(height * WIDE_TEAM_SHARE), rest - 4))
    middle = rest - team
    # Inbox and log share the left; the inbox gets what it needs up to two thirds, and is never left out.
    inbox = min(max(wish.inbox_lines, 2), max(middle * 2 // 3, LEAST_PANEL))
    log = middle - inbox
    if log < LEAST_PANEL:
        inbox, log = middle, 0
    return Arrangement(
        is_wide=True,
        team=team,
        left=int(width * LEFT_SHARE),
        inbox=inbox,
        log=log,
        composer=composer,
        composer_rule=True,
        main=middle,
    )


def _narrow(height: int, wish: Wish) -> Arrangement:
    composer = max(1, min(wish.composer_rows, 4))
    rest = height - 1 - 1 - 1
    if wish.main_first or wish.zoomed:
        strip = 0 if wish.zoomed else 1
        shown = composer if wish.writes else 0
        return Arrangement(strip=bool(strip), composer=shown, main=rest - strip - shown)
    rest -= composer
    team = max(2, min(wish.team_lines, NARROW_ROWS + 1, rest - LEAST_PANEL))
    inbox = max(rest - team, 0) if wish.inbox_has_keys else 0
    return Arrangement(team=team, inbox=inbox, composer=composer, main=rest - team - inbox)


def arrange_past(width: int, height: int, *, lanes: int, rows: int, is_small: bool) -> PastArrangement:
    """Share out what is above the notice among header, timeline, team and the transcript of a moment.

    :param is_small: the person wants the transcript: of the lanes only the chosen one is left.
    """
    is_wide = width >= WIDE
    left = int(width * LEFT_SHARE) if is_wide else 0
    if is_small:
        return PastArrangement(timeline=4, left=left)
    rest = height - 1
    frame = TIMELINE_FRAME + is_wide
    wanted = lanes + 1 + frame
    spaced = 2 * (lanes + 1) + frame
    most = int(rest * TIMELINE_SHARE) if is_wide else rest - LEAST_PAST_TEXT
    timeline = max(LEAST_TIMELINE, min(spaced if is_wide and spaced <= most else wanted, most))
    if not is_wide:
        return PastArrangement(timeline=timeline)
    team = max(2, min(rows, int(height * WIDE_TEAM_SHARE), rest - timeline - LEAST_PAST_TEXT))
    return PastArrangement(timeline=timeline, team=team, left=left)
