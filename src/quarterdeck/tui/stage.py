"""What the parts of the screen need of the app itself, so that they need not know it."""

from collections.abc import Callable, Coroutine
from typing import Protocol

from quarterdeck.tui.sheets import Sheet


class Stage(Protocol):
    """The app, as far as keys and commands may use it."""

    def say(self, text: str, *, is_fault: bool = False) -> None:
        """One line for the notice; empty = nothing."""
        ...

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run something that takes time beside the screen."""
        ...

    def edit(self, text: str, put: Callable[[str], object]) -> None:
        """Open the person's own editor on a text; `put` gets what came back."""
        ...

    def ask(self, sheet: Sheet) -> None:
        """Show a sheet; its `yes` is called when the person says yes."""
        ...

    def perform(self, action: str) -> None:
        """Do an action of the keymap, as if its key had been let through."""
        ...

    def leave(self, wanted: str = "") -> None:
        """End the screen; the session `wanted` is to be shown then, if one is."""
        ...

    def copy_selection(self) -> bool:
        """Copy the selected text; False = nothing is selected."""
        ...

    def theme_names(self) -> tuple[str, ...]:
        """Every theme that can be chosen."""
        ...

    def show_theme(self, name: str | None) -> bool:
        """Draw in this theme for now (None: the chosen one again); False = there is none of that name."""
        ...

    def keep_theme(self, name: str) -> None:
        """Choose this theme for good."""
        ...
