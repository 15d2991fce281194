"""One request that only the person can answer; every answer carries the id and version of what is shown.

It passes on what the person decides and says what became of it. Keys are bound and guarded elsewhere.
"""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult

from quarterdeck.domain.display_text import clean
from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request
from quarterdeck.state.store import Store
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller, Receipt
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.request_answers import send_no, send_yes
from quarterdeck.tui.widgets.request_draft import PlanView
from quarterdeck.tui.widgets.request_field import OpenField, Writes, open_field
from quarterdeck.tui.widgets.request_messages import Answered, Notice
from quarterdeck.tui.widgets.request_reader import RequestReader
from quarterdeck.tui.widgets.request_words import field_words, overtaken_words
from quarterdeck.tui.widgets.writing_fields import REASON_KEYS, PlanEditor, WritingField

FIELD_HINT = "enter sends · esc back"
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
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(store, look, clock, id=id)
        self._controller = controller
        self._reason = WritingField(look, keys=REASON_KEYS, words=FIELD_HINT, name="request-reason")
        self._editor = PlanEditor(look, name="plan-text")
        self._editor.area.id = "plan-editor"
        self._open_field: OpenField | None = None

    def compose(self) -> ComposeResult:
        """The request, and the fields that open under it or in its place."""
        yield from super().compose()
        self._reason.display = self._editor.display = False
        yield self._editor
        yield self._reason

    def show(self, request_id: RequestId | None) -> None:
        """Show this request; what was written about another stays a draft."""
        if request_id != self.request_id and self._open_field is not None:
            widget: WritingField = self._editor if self._open_field.writes is Writes.PLAN else self._reason
            self._keep(self._open_field, widget.text)
            self._close()
        super().show(request_id)

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
        return self._open_field is not None

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
        if self._dead:
            return False
        self._step = number - 1
        self.draft.chosen, self.draft.own = number, ""
        self._rebuild()
        return True

    def _choose_step(self, place: int) -> bool:
        """On a question the steps are its options: going to one chooses it, which sends nothing."""
        super()._choose_step(place)
        return self._choose(place + 1) if isinstance(self._request, QuestionRequest) else True

    def on_click(self, event: events.Click) -> None:
        """A click chooses the step or the option under it."""
        index = self._view.index_under(event)
        if index is None or self.screen.selections:
            return
        for place, step in enumerate(self._body.steps):
            if step.first <= index < step.first + step.count:
                self._choose_step(place)
                return

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
        return self._write(Writes.REASON, "")

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
            for writes in Writes:
                self._reason.drop(open_field(request, writes, "").about)
            self._editor.drop(open_field(request, Writes.PLAN, "").about)
            self.post_message(Answered(request.id))
        if receipt.text:
            self.post_message(Notice(receipt.text))
        return receipt.done

    # Writing

    def _write(self, writes: Writes, text: str, quote: str = "") -> bool:
        """Open a field under the request (in the place of the rows, for the plan itself)."""
        request = self._request
        if request is None:
            return False
        self._open_field = field = open_field(request, writes, quote)
        is_plan = writes is Writes.PLAN
        widget: WritingField = self._editor if is_plan else self._reason
        self._reason.display, self._editor.display = not is_plan, is_plan
        self._view.display = not is_plan
        widget.open(field.about, field_words(request, self.draft, writes, self._who, quote), text)
        # At once, so that what is typed next is text and no key acts.
        self.screen.set_focus(widget.area)
        self._draw_frame()
        return True

    def _close(self) -> None:
        """Back from the field to the request."""
        had_keys = self._reason.has_focus_within or self._editor.has_focus_within
        self._open_field = None
        self._reason.display = self._editor.display = False
        self._view.display = True
        if had_keys:
            self.screen.set_focus(self)
        self._rebuild()

    def _keep(self, field: OpenField, text: str) -> None:
        """What was written stays, where it changes what is shown or what a would send."""
        request = self._request
        if field.writes is Writes.ANSWER:
            self.draft.own = text
        elif field.writes is Writes.PLAN and isinstance(request, PlanRequest):
            if request.version != field.version:
                return
            self.draft.edited = None if text == clean(request.text) else text
            if self.draft.edited is not None:
                self.draft.view = PlanView.CHANGES

    def on_writing_field_leave_wanted(self, event: WritingField.LeaveWanted) -> None:
        """Back to the request, unanswered."""
        event.stop()
        if self._open_field is not None:
            self._keep(self._open_field, event.text)
            self._close()

    def on_writing_field_editor_wanted(self, event: WritingField.EditorWanted) -> None:
        """Said rather than ignored."""
        event.stop()
        self.post_message(Notice("Writing in $EDITOR is not there yet."))

    def on_writing_field_submitted(self, event: WritingField.Submitted) -> None:
        """The reason, the comment or the answer is written."""
        event.stop()
        field, request = self._open_field, self._request
        if field is None or request is None or event.about != field.about:
            return
        self._keep(field, event.text)
        self._close()
        if self._dead or request.version != field.version:
            self.post_message(Notice(self._dead or overtaken_words(request, field.version)))
            return
        match field.writes:
            case Writes.COMMENT:
                self.draft.add_comment(field.quote, event.text)
                self._reason.drop(field.about)
                self._rebuild()
            case Writes.ANSWER:
                self._send_answer(request)
            case Writes.REASON:
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
