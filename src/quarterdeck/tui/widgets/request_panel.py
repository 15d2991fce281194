"""One request that only the person can answer; every answer carries the id and version of what is shown.

It passes on what the person decides and says what became of it. Keys are bound and guarded elsewhere.
"""

from collections.abc import Callable

from quarterdeck.domain.display_text import clean
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request
from quarterdeck.state.store import Store
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller, Receipt
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.request_answers import send_no, send_yes
from quarterdeck.tui.widgets.request_draft import PlanView
from quarterdeck.tui.widgets.request_field import RequestField, Writes
from quarterdeck.tui.widgets.request_messages import Answered, Notice
from quarterdeck.tui.widgets.request_reader import RequestReader
from quarterdeck.tui.widgets.request_words import field_words, overtaken_words

ANSWERED = "You have answered this."


class RequestPanel(RequestReader):
    """Place Q. `show(id)` chooses the request, `do(name)` acts."""

    def __init__(
        self,
        store: Store,
        controller: Controller,
        look: Look,
        clock: Clock,
        *,
        has_title: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(store, look, clock, has_title=has_title, id=id)
        self._controller = controller
        self._field: RequestField | None = None

    def do(self, action: str) -> bool:
        """Do what a key asks for, by its name in the keymap; False when there was nothing to do."""
        name = action.replace("-", "_")
        name = _OTHER_NAMES.get(name, name)
        looked = self.look_at(name)
        if looked is not None:
            return looked
        kind, _underscore, number = name.rpartition("_")
        chooses = kind in ("option", "choose") and number.isdigit()
        act = (lambda: self._choose(int(number))) if chooses else self._answering().get(name)
        if act is None or self._request is None:
            return False
        if self._dead:
            self.post_message(Notice(self._dead))
            return False
        self._told = ""
        return act()

    @property
    def is_writing(self) -> bool:
        """Whether a field is open here."""
        return self._field is not None

    # What the keys do

    def _answering(self) -> dict[str, Callable[[], bool]]:
        return {
            "approve": self._approve,
            "reject": self._reject,
            "comment": self._comment,
            "edit": self._edit,
        }

    def _choose(self, number: int) -> bool:
        request = self._request
        if not isinstance(request, QuestionRequest) or not 1 <= number <= len(request.options):
            return False
        self.draft.chosen, self.draft.own = number, ""
        self._rebuild()
        return True

    def _approve(self) -> bool:
        request = self._request
        assert request is not None
        if isinstance(request, PermissionRequest) and not self.is_whole_seen():
            left = self._body.must_see - self._view.painted_to
            told = f"{left} more row{'' if left == 1 else 's'} to show first: space, then a."
            self.post_message(Notice(f"Not shown whole yet. {told}"))
            return False
        receipt = send_yes(self._controller.requests, request, self.draft)
        if receipt is not None:
            return self._settle(request, receipt)
        if isinstance(request, QuestionRequest) and not request.options:
            return self._write(Writes.ANSWER, self.draft.own)
        self.post_message(Notice("Nothing chosen yet. 1 to 9 choose, c takes your own words."))
        return False

    def _reject(self) -> bool:
        return self._write(Writes.REASON, self.draft.reason)

    def _comment(self) -> bool:
        """On a plan: a comment on the chosen step, or on the whole; on a question: one's own words."""
        if isinstance(self._request, QuestionRequest):
            return self._write(Writes.ANSWER, self.draft.own)
        if not isinstance(self._request, PlanRequest):
            return False
        quote = self.chosen_quote
        return self._write(Writes.COMMENT, self.draft.comment_on(quote), quote)

    def _edit(self) -> bool:
        if isinstance(self._request, QuestionRequest):
            return self._write(Writes.ANSWER, self.draft.own)
        if not isinstance(self._request, PlanRequest):
            return False
        edited = self.draft.edited
        return self._write(Writes.PLAN, edited if edited is not None else clean(self._request.text))

    def _settle(self, request: Request, receipt: Receipt) -> bool:
        """Say what became of an answer; when it counted, the draft is done with."""
        if receipt.done:
            self._dead = ANSWERED
            self._drafts.pop(request.id, None)
            self.post_message(Answered(request.id))
        if receipt.text:
            self.post_message(Notice(receipt.text))
        return receipt.done

    # Writing

    def _write(self, writes: Writes, text: str, quote: str = "") -> bool:
        """Open a field under the request (in the place of the rows, for the plan itself)."""
        request = self._request
        if request is None or self._field is not None:
            return False
        words = field_words(request, self.draft, writes, self._who, quote, self._cells)
        self._field = RequestField(writes, *words, text, self._look, version=request.version, quote=quote)
        self._view.display = writes is not Writes.PLAN
        self.mount(self._field)
        return True

    def _keep(self, field: RequestField, text: str) -> None:
        """What was written stays as a draft."""
        draft, request = self.draft, self._request
        match field.writes:
            case Writes.REASON:
                draft.reason = text
            case Writes.ANSWER:
                draft.own = text
            case Writes.COMMENT:
                draft.comment_texts[field.quote] = text
            case Writes.PLAN if isinstance(request, PlanRequest) and request.version == field.version:
                draft.edited = None if text == clean(request.text) else text
                draft.view = PlanView.CHANGES if draft.edited is not None else draft.view

    def _close(self, field: RequestField) -> None:
        self._field = None
        self._view.display = True
        field.remove()
        self.focus()
        self._rebuild()

    def on_request_field_left(self, event: RequestField.Left) -> None:
        """Back to the request, unanswered."""
        event.stop()
        self._keep(event.field, event.text)
        self._close(event.field)

    def on_request_field_sent(self, event: RequestField.Sent) -> None:
        """The reason, the comment or the answer is written."""
        event.stop()
        field, request = event.field, self._request
        self._keep(field, event.text)
        self._close(field)
        if request is None:
            return
        if self._dead or request.version != field.version:
            self.post_message(Notice(self._dead or overtaken_words(request, field.version)))
        elif field.writes is Writes.COMMENT:
            self.draft.add_comment(field.quote, event.text)
            self._rebuild()
        elif field.writes is Writes.ANSWER:
            self._send_answer(request)
        elif field.writes is Writes.REASON:
            reason = event.text.strip()
            self._settle(request, send_no(self._controller.requests, request, self.draft, reason))

    def _send_answer(self, request: Request) -> None:
        receipt = send_yes(self._controller.requests, request, self.draft) if self.draft.own.strip() else None
        if receipt is None:
            self.post_message(Notice("An empty answer is not sent. d declines."))
        else:
            self._settle(request, receipt)


_OTHER_NAMES = {
    "up": "line_up",
    "down": "line_down",
    "previous_step": "step_up",
    "next_step": "step_down",
    "deny": "reject",
    "decline": "reject",
    "answer": "approve",
    "allow": "approve",
}
