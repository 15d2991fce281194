"""What the palette offers, and what taking an entry does."""

from quarterdeck.domain.display_text import clean_name
from quarterdeck.state.store import Store
from quarterdeck.tui.commands import FORMS, SUMMARIES
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.widgets.palette import Entry

ACTIONS = (
    ("next-request", "Next that needs you", "n"),
    ("history", "History", "h"),
    ("search", "Search what was said", "/"),
    ("timeline", "Timeline: the past, a lane per teammate", "l"),
    ("help", "Help: all keys", "?"),
    ("pause-all", "Pause or continue all: the brake", "ctrl+x p"),
    ("interrupt-all", "Interrupt all, asks first", "ctrl+x i"),
    ("kill-all", "Kill all, asks first", "ctrl+x k"),
    ("quit", "Quit, asks first", "ctrl+q"),
)


class PaletteDesk:
    """Opens the palette, previews and takes."""

    def __init__(self, deck: Deck, desk: Desk, store: Store, stage: Stage) -> None:
        self._deck = deck
        self._desk = desk
        self._store = store
        self._stage = stage

    def open(self) -> None:
        """Offer everything."""
        self._deck.palette.open(self._entries())
        self._desk.show_view(self._deck.palette, self._deck.palette.field)

    def _entries(self) -> tuple[Entry, ...]:
        team = self._store.state.team
        return (
            *(Entry("action", action, label, hint) for action, label, hint in ACTIONS),
            *(Entry("theme", name, clean_name(name)) for name in self._stage.theme_names()),
            *(Entry("team", run_id, clean_name(team.by_run[run_id].name)) for run_id in team.rows),
            *(Entry("command", name, form.usage, SUMMARIES[name]) for name, form in FORMS.items()),
        )

    def preview(self, entry: Entry | None) -> None:
        """A theme under the cursor is drawn at once."""
        is_theme = entry is not None and entry.kind == "theme" and self._deck.palette.field.has_focus
        self._stage.show_theme(entry.value if is_theme and entry is not None else None)

    def leave(self) -> None:
        """Back, nothing taken: the old theme again."""
        self._stage.show_theme(None)
        self._desk.close()

    def take(self, entry: Entry) -> None:
        """Do what the entry says."""
        self._desk.close()
        match entry.kind:
            case "theme":
                self._stage.keep_theme(entry.value)
            case "team":
                for run_id in self._store.state.team.rows:
                    if run_id == entry.value:
                        self._desk.go(Place.TEAM)
                        self._deck.roster.select(run_id)
            case "command":
                self._desk.go(Place.COMPOSER)
                self._deck.composer.put(f"/{entry.value} ")
            case _:
                self._stage.show_theme(None)
                self._stage.perform(entry.value)
