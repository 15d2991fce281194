"""What was sent to one addressee, and the draft that waits while another one is written to."""

from quarterdeck.domain.teammates import Way
from quarterdeck.tui.widgets.composer_pastes import Pastes

MOST_SENT = 100


class Draft:
    """The unsent text of one addressee and the way it shall be said."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = (0, 0)
        self.way = Way.STEER
        self.pastes = Pastes()
        self.sent = SentTexts()


class SentTexts:
    """Texts that were sent, newest last, and which of them is shown."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._at: int | None = None

    def add(self, text: str) -> None:
        """A text was sent; the walk through the old ones ends."""
        self._texts = [*self._texts[-MOST_SENT + 1 :], text]
        self._at = None

    def start(self, text: str) -> None:
        """The last message came back as `text`: older ones follow from there."""
        if text not in self._texts:
            self._texts.append(text)
        self._at = len(self._texts) - 1 - self._texts[::-1].index(text)

    def is_shown(self, text: str) -> bool:
        """Whether the field still shows the recalled text unchanged."""
        return self._at is not None and self._texts[self._at] == text

    def step(self, by: int) -> str | None:
        """The text `by` further on (negative: older); past the newest: empty; None: there is no older one."""
        if self._at is None or self._at + by < 0:
            return None
        if self._at + by >= len(self._texts):
            self._at = None
            return ""
        self._at += by
        return self._texts[self._at]
