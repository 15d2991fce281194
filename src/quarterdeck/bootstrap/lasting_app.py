"""The app on a real terminal: it outlives the terminal, and what crashes goes to the log, not to the screen.

Textual prints a traceback with every local variable after a crash; those may hold a key or a model's text.
"""

import logging

from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.driver import TerminalDriver

log = logging.getLogger("quarterdeck")


class LastingApp(QuarterdeckApp):
    """As `QuarterdeckApp`. `crash` is the fault that ended it, if one did; the return code is 1 then."""

    crash: BaseException | None = None

    def get_driver_class(self) -> type[TerminalDriver]:
        """The driver of this program."""
        return TerminalDriver

    def panic(self, *renderables: object) -> None:
        """End, without a word on the screen."""
        log.error("the screen gave up")
        self._return_code = 1
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        # Textual's one place for every fault in a handler, a timer, a worker or a paint.
        log.error("the screen crashed: %s", type(error).__name__, exc_info=error)
        self._return_code = 1
        self.crash = self.crash or error
        self._close_messages_no_wait()
