"""What the parts of the screen need of the app itself, so that they need not know it."""

from collections.abc import Coroutine
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

    def ask(self, sheet: Sheet) -> None:
        """Show a sheet; its `yes` is called when the person says yes."""
        ...

    def leave(self) -> None:
        """End the screen."""
        ...

    def copy_selection(self) -> bool:
        """Copy the selected text; False = nothing is selected."""
        ...

    def show_help(self) -> None:
        """Open the help."""
        ...

    def show_history(self) -> None:
        """Open History."""
        ...

    def show_palette(self) -> None:
        """Open the palette."""
        ...

    def choose_theme(self, name: str) -> bool:
        """Draw in another theme and keep the choice; False = there is none of that name."""
        ...
