"""What one turn has come to so far: enough to close it from outside, whatever its code does.

The run's loop reads it after the turn ended, was interrupted, or was abandoned; the turn only adds to it.
"""

from quarterdeck.domain.ids import MessageId
from quarterdeck.domain.messages import Block, ToolUse, tool_result_block
from quarterdeck.domain.usage import NO_USAGE, Usage

INTERRUPTED = "The person interrupted this turn; the call was ended and has no result."
NOT_STARTED = "Not started: the person interrupted this turn."


class TurnRecord:
    """Mutable, owned by one turn."""

    def __init__(self) -> None:
        self.partial: list[str] = []
        """Text deltas of the step that streams now; emptied when it is accepted or discarded."""
        self.open_calls: tuple[ToolUse, ...] = ()
        """Calls of the last accepted step whose results are not in the history yet."""
        self.started: set[str] = set()
        self.results: dict[str, Block] = {}
        self.messages: list[MessageId] = []
        """What was delivered in this turn."""
        self.usage: Usage = NO_USAGE
        self.final_text = ""
        self.stop_reason = ""
        self.odd_end = ""
        """Why the model ended the turn though it was not done; empty = it was."""
        self.person_answered = False
        """A call of the last step waited for the person."""
        self.revoked = False
        """The turn was interrupted: nothing that it still tries counts."""

    def result_blocks(self) -> tuple[Block, ...]:
        """A result for every open call, in call order; synthetic where there is none."""
        return tuple(
            self.results.get(use.id)
            or tool_result_block(
                use.id, INTERRUPTED if use.id in self.started else NOT_STARTED, is_error=True
            )
            for use in self.open_calls
        )
