"""The app: puts the screen together, takes keys to the router, lays parts out. Owns no domain state."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.app import App, SuspendNotSupported
from textual.binding import BindingType
from textual.filter import LineFilter, NoColor
from textual.theme import Theme
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from quarterdeck.state.store import Store
from quarterdeck.tui.assembly import build_deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.desks import build_desks
from quarterdeck.tui.ground import Ground
from quarterdeck.tui.guards import PaintedGuard
from quarterdeck.tui.keymap import Place, load_keymap
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller, EditorGone
from quarterdeck.tui.rendering.roles import Roles, roles_of
from quarterdeck.tui.router import Act, Escaped, Press, Router, Say, ToText
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.settings import Clock, ScreenSettings, SignSet
from quarterdeck.tui.sheets import Sheet
from quarterdeck.tui.signs import AsciiFilter, choose_signs
from quarterdeck.tui.telling import Teller
from quarterdeck.tui.widgets.framed_panel import FramedPanel

FLASH_S = 0.4


class QuarterdeckApp(App[int]):
    """The screen over a store and a controller. Returns 0 when the person quits."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        store: Store,
        controller: Controller,
        *,
        themes: Mapping[str, Theme],
        clock: Clock | None = None,
        settings: ScreenSettings | None = None,
    ) -> None:
        given = settings or ScreenSettings()
        super().__init__(ansi_color=True if given.no_color else None)
        signs = choose_signs(given.signs, os.environ, getattr(sys.stdout, "encoding", None) or "")
        self._settings = msgspec.structs.replace(given, signs=signs)
        self._store = store
        self._controller = controller
        self._clock = clock or Clock()
        self._themes = dict(themes)
        for theme in self._themes.values():
            self.register_theme(theme)
        self._chosen_theme = given.theme if given.theme in self._themes else next(iter(self._themes))
        self.theme = self._chosen_theme
        self.look = Look(self._roles(self.theme), signs=signs, reduced_motion=given.reduced_motion)
        self._ground = Ground()
        self.painted = PaintedGuard()
        self.keymap = load_keymap()
        self.first_paint = asyncio.Event()
        self.wanted_session = ""
        self._router = Router(self.keymap, self.painted)
        self.deck = build_deck(
            store,
            controller,
            self.look,
            self._clock,
            self._settings,
            self.keymap,
            completions=self._complete,
            widen=lambda choice: self._desks.widening.give(choice),
        )
        self.desk = Desk(self.deck, store, controller, focus=self._focus_on, changed=self._changed)
        self._desks = build_desks(self.deck, self.desk, store, controller, self.look, self._clock, self)
        self._main = MainScreen(self.deck, self.desk, self._desks, self.keymap, store, self)
        self._teller = Teller(store, self._settings, self._write_out)

    def _roles(self, name: str) -> Roles:
        return roles_of(self._themes[name], colour=not self._settings.no_color)

    def _focus_on(self, widget: Widget) -> None:
        """Give the keys to a widget, at once: the next key may be in the queue already."""
        for node in widget.ancestors_with_self:
            if isinstance(node, Widget) and not node.display:
                node.display = True
        self._main.set_focus(widget, scroll_visible=False)
        self.desk.focus_moved(widget)

    def _changed(self) -> None:
        self._main.arrange_soon()

    def _complete(self, kind: str, prefix: str) -> Sequence[str]:
        return self._desks.speaker.completions(kind, prefix)

    def get_default_screen(self) -> MainScreen:
        """The one screen there is."""
        return self._main

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own; the ground or no colour at all, and ASCII where the terminal needs it."""
        own: list[LineFilter] = [NoColor() if self._settings.no_color else self._ground]
        if self.look.signs is SignSet.ASCII:
            own.append(AsciiFilter())
        return [*super().get_line_filters(), *own]

    def on_mount(self) -> None:
        """Give the keys to where one starts: Welcome without a model, the composer without a team."""
        state = self._store.state
        if state.session.model is None and not state.session.endpoint and not state.team.by_run:
            self._desks.welcome.open()
        else:
            self.desk.go(Place.TEAM if state.team.rows else Place.COMPOSER)
        self.desk.show_selected() if state.team.rows else None
        self._teller.open()
        self.set_interval(1.0, self._tell)

    def on_unmount(self) -> None:
        """The terminal gets its title back."""
        self._teller.close()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Every key goes to the router first; what is text goes on to its field."""
        match event:
            case events.Key(is_forwarded=False):
                self.app_focus = True
                self._teller.pressed(event.time)
                if self._take_key(event):
                    return
            case events.Paste(is_forwarded=False) if self._desks.past.is_open:
                self.say(self._desks.past.words)
                return
            case events.Paste(is_forwarded=False) if not self.desk.here.place.takes_text:
                self.desk.go(Place.COMPOSER)
                self.deck.composer.paste(event.text)
                return
            case events.AppFocus() | events.AppBlur():
                self.look.has_focus = isinstance(event, events.AppFocus)
                self._teller.focused = self.look.has_focus
        await super().on_event(event)

    def _take_key(self, event: events.Key) -> bool:
        """Decide on a key and act; False = it is for the text field."""
        self.desk.focus_moved(self.focused)
        route = self._router.route(
            Press(event.key, event.character, event.time),
            self.desk.here.place,
            needs=self.desk.here.needs,
            addressee=self.desk.here.name,
            has_selection=self.desk.here.place.takes_text and self._selects_text(),
            off=self._desks.past.words,
        )
        match route:
            case Act(action=action):
                self.perform(action)
            case Say(words=words, flashes=flashes):
                self.deck.notice.say(words)
                if flashes and not self.look.reduced_motion:
                    self._flash(self.focused)
                    self.set_timer(FLASH_S, lambda: self._flash(None))
            case Escaped(words=words):
                # What esc alone would have done here, and never the letter.
                self.post_message(events.Key("escape", None))
                self.say(words)
            case ToText():
                return False
        return True

    def _flash(self, panel: Widget | None) -> None:
        """Flash the title of the panel that has the keys; None = the flash is over."""
        shown, self.look.flashing = self.look.flashing, panel
        for one in (shown, panel):
            if isinstance(one, FramedPanel):
                one.redraw_title()
            elif isinstance(one, Widget):
                one.refresh()

    def _selects_text(self) -> bool:
        selection = getattr(self.focused, "selection", None)
        return selection is not None and not selection.is_empty

    def post_display_hook(self) -> None:
        """A paint is done: note what it showed, for the guard."""
        deck = self.deck
        if not deck.roster.is_attached:
            return
        self.first_paint.set()
        if self._desks.past.is_open:
            self.painted.painted((), self._clock.monotonic())
            return
        tokens = {*deck.roster.painted_tokens(), *deck.inbox.painted_tokens(), *deck.main.painted_tokens()}
        self.painted.painted(tokens, self._clock.monotonic())

    # Stage

    def say(self, text: str, *, is_fault: bool = False) -> None:
        """One line for the notice."""
        if text:
            self.deck.notice.say(text, is_fault=is_fault)

    def action_help_quit(self) -> None:
        """Textual's own answer to ctrl+c is a toast, and nothing floats here."""
        self.say("ctrl+c copies what is selected. ctrl+q quits.")

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside the screen."""
        self.run_worker(work, exit_on_error=False)

    def edit(self, text: str, put: Callable[[str], object]) -> None:
        """Give the terminal to the person's editor; the team goes on, nothing is drawn meanwhile."""
        self.start(self._edit(text, put))

    async def _edit(self, text: str, put: Callable[[str], object]) -> None:
        try:
            with self.batch_update(), self.suspend():
                edited = await self._controller.session.edit(text)
        except EditorGone as gone:
            self.say(str(gone), is_fault=True)
        except SuspendNotSupported:
            self.say("This terminal can't be given to an editor.", is_fault=True)
        else:
            put(edited)
        self.refresh(layout=True)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What was started beside the screen has failed: the screen goes on and says so."""
        if event.state is WorkerState.ERROR:
            self.say(
                f"That failed: {type(event.worker.error).__name__}. The log file has more.", is_fault=True
            )
            self.log.error(event.worker.error)

    def ask(self, sheet: Sheet) -> None:
        """Show a sheet."""
        self.deck.sheet.show_sheet(sheet)
        self.desk.show_view(self.deck.sheet)

    def perform(self, action: str) -> None:
        """Do an action of the keymap."""
        self._desks.perform(action)

    def leave(self, wanted: str = "") -> None:
        """End the screen; the session `wanted` is to be shown then, if one is."""
        self.wanted_session = wanted
        self.exit(0)

    def copy_selection(self) -> bool:
        """Copy the selected text."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
        return bool(text)

    def theme_names(self) -> tuple[str, ...]:
        """Every theme that can be chosen."""
        return tuple(self._themes)

    def show_theme(self, name: str | None) -> bool:
        """Draw in this theme for now."""
        wanted = name or self._chosen_theme
        if wanted not in self._themes:
            return False
        if wanted != self.theme:
            self.theme = wanted
            self.look.change_roles(self._roles(wanted))
            self._desks.past.draw_ground()
            for panel in self.deck.redrawn:
                panel.redraw()
            self.screen.refresh(layout=True)
            for widget in self.screen.query("*"):
                widget.refresh()
        return True

    def keep_theme(self, name: str) -> None:
        """Choose this theme for good."""
        if self.show_theme(name):
            self._chosen_theme = name
            self.say(self._controller.session.save_theme(name).text)

    def _tell(self) -> None:
        self._teller.tell(self._clock.monotonic())

    def _write_out(self, sequence: str) -> None:
        if self._driver is not None and sequence:
            self._driver.write(sequence)
            self._driver.flush()
