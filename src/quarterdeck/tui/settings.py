"""What the screen is set up with: the two clocks and the person's choices. Plain values."""

import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from quarterdeck.state.selectors import DisplayDelays


class SignSet(StrEnum):
    """Which signs the screen is drawn with."""

    AUTO = "auto"
    UNICODE = "unicode"
    ASCII = "ascii"
    WORDS = "words"


class Clock(msgspec.Struct, frozen=True):
    """Where the screen takes the time from."""

    wall: Callable[[], float] = time.time
    """Epoch seconds, for ages and times of day."""
    monotonic: Callable[[], float] = time.monotonic
    """The clock of key events, for guards and holds."""


class ScreenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The person's choices for the screen."""

    reduced_motion: bool = False
    signs: SignSet = SignSet.AUTO
    delays: DisplayDelays = DisplayDelays()
    theme: str = "quarterdeck-dark"
    no_color: bool = False
    in_tmux: bool = False
    """No notification sequences then, only the bell."""
    version: str = ""
