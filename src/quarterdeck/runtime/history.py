"""One run's conversation as the model gets it, in step with the journal: what is added is told as a fact.

Its run alone adds to it. A run that comes back after a restart has its messages on disk until it needs them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, Message, text_block
from quarterdeck.llm.history import repair
from quarterdeck.runtime.turn_record import TurnRecord
from quarterdeck.state import actions as did

Load = Callable[[], Awaitable[Sequence[Message]]]


class History:
    """The messages of one run.

    :param tell: told of everything that is added.
    :param load: gives the messages that are on disk; None = there are none beside `messages`.
    """

    def __init__(
        self,
        run_id: RunId,
        tell: Callable[[did.Action], object],
        now: Callable[[], float],
        messages: Sequence[Message] = (),
        load: Load | None = None,
    ) -> None:
        self.messages = list(messages)
        self._run_id = run_id
        self._tell = tell
        self._now = now
        self._load = load

    @property
    def is_loaded(self) -> bool:
        """Whether `messages` is all of it."""
        return self._load is None

    async def loaded(self) -> None:
        """Bring it in from disk, once."""
        if self._load is None:
            return
        found = await self._load()
        if self._load is not None:
            self._load = None
            self.messages[:] = found

    def add_user(self, blocks: Sequence[Block]) -> None:
        """Blocks by the user; a user message that is last grows, so that two never stand in a row."""
        if not blocks:
            return
        if self.is_loaded:
            grow(self.messages, "user", blocks)
        self._record("user", blocks)

    def add_reply(self, content: Sequence[Block]) -> None:
        """A message of the model."""
        if not content:
            return
        if self.is_loaded:
            grow(self.messages, "assistant", content)
        self._record("assistant", content)

    def repaired(self) -> tuple[Message, ...]:
        """All of it, made fit to be sent."""
        fit = repair(self.messages)
        if list(fit) != self.messages:
            self.messages[:] = fit
            self._tell(did.HistoryRepaired(at=self._now(), run_id=self._run_id, messages=fit))
        return fit

    def close(self, record: TurnRecord) -> str:
        """Make it valid again after an interrupt; returns the text that was streamed so far.

        Text streamed so far enters as text; no unsigned thinking and no unfinished call does (SPEC 2.5).
        """
        if record.open_calls:
            self.add_user(record.result_blocks())
            record.open_calls = ()
        said = "".join(record.partial)
        record.partial.clear()
        if said.strip():
            self.add_reply((text_block(said),))
        return said

    def _record(self, role: Any, blocks: Sequence[Block]) -> None:
        kept = cast("tuple[dict[str, Any], ...]", tuple(blocks))
        self._tell(did.MessageRecorded(at=self._now(), run_id=self._run_id, role=role, blocks=kept))


def grow(messages: list[Message], role: Any, blocks: Sequence[Block]) -> None:
    """Add blocks as `History` does, and as a fold of its facts must."""
    if role == "user" and messages and messages[-1].role == "user":
        messages[-1] = Message(role="user", content=(*messages[-1].content, *blocks))
    else:
        messages.append(Message(role=role, content=tuple(blocks)))


def fold_messages(messages: list[Message], action: did.Action) -> None:
    """Fold one fact of the run into its messages."""
    match action:
        case did.MessageRecorded(role=role, blocks=blocks):
            grow(messages, role, blocks)
        case did.HistoryRepaired(messages=all_of_it):
            messages[:] = all_of_it
