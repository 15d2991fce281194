"""More than once: a permission's rule and how far it reaches, or the mode after a plan's approval. A sheet.

It collects the choice and gives it to `yes`; nothing is given until then.
"""

from collections.abc import Callable

import msgspec
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from quarterdeck.domain.display_text import clean_command, clean_line, clean_name
from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import PermissionRequest, PermissionScope, PlanRequest
from quarterdeck.tui.guards import Token
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import hard_wrap
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import BLANK, key_segments
from quarterdeck.tui.widgets.permission_body import COMMANDS, asked_for, gutter_rows
from quarterdeck.tui.widgets.views import ViewPanel

SCOPES = (PermissionScope.TEAMMATE, PermissionScope.TEAM)
NO_RULE = "That command is not simple, so no rule can allow it. a allows it once."


class Wider(msgspec.Struct, frozen=True):
    """What is asked, and about which version."""

    request: PermissionRequest | PlanRequest
    name: str
    others: tuple[str, ...] = ()
    """Names of teammates that ask for the same thing now."""

    @property
    def token(self) -> tuple[RequestId, int]:
        """Id and version that an answer binds."""
        return self.request.id, self.request.version


class Choice(msgspec.Struct, frozen=True):
    """What the person says yes to."""

    wider: Wider
    scope: PermissionScope
    rule: str


class RuleField(Input):
    """The exact rule, as text; Enter and Esc go back to the sheet."""

    DEFAULT_CSS = "RuleField { border: none; height: 1; padding: 0 1; } RuleField:focus { border: none; }"

    class Left(Message):
        """Back to the sheet; `is_taken` = with the text as it is now."""

        def __init__(self, *, is_taken: bool) -> None:
            super().__init__()
            self.is_taken = is_taken

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("enter", "escape", "tab", "shift+tab"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Left(is_taken=event.key == "enter"))
            return
        await super()._on_key(event)


class WiderText(ViewPanel):
    """The sheet itself; it has the keys but while the rule is edited."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="wider-sheet", title="Allow more than this once")
        self.wider: Wider | None = None
        self.scope = PermissionScope.TEAMMATE
        self.rule = ""
        self._drawn: Token = ()

    def rows(self, cells: int) -> tuple[Line, ...]:
        if self.wider is None:
            return ()
        if isinstance(self.wider.request, PlanRequest):
            return self._plan_rows(self.wider)
        return self._permission_rows(self.wider, self.wider.request, cells)

    def _plan_rows(self, wider: Wider) -> tuple[Line, ...]:
        roles = self.look.roles
        return (
            BLANK,
            (Segment(f" Approve plan v{wider.request.version} of {wider.name} in mode accept-edits?"),),
            (Segment(" It then edits files of this folder without asking; commands still ask."),),
            BLANK,
            key_segments(" y starts it in that mode · esc back to the request, unanswered", roles.quiet),
        )

    def _permission_rows(self, wider: Wider, request: PermissionRequest, cells: int) -> tuple[Line, ...]:
        roles = self.look.roles
        is_command = request.tool in COMMANDS
        asks = (Segment(f" {wider.name} {asked_for(request)}", roles.quiet),)
        subject = gutter_rows(request.subject, cells, self.look, is_command=is_command)
        # The whole of it was shown before; here the choice comes first where both do not fit.
        told: list[Line] = [asks, BLANK, *subject, BLANK]
        choice = self._choice_rows(wider, cells)
        fits = len(told) + len(choice) < self.size.height
        return (*told, *choice) if fits else (*choice, BLANK, *told)

    def _choice_rows(self, wider: Wider, cells: int) -> list[Line]:
        roles = self.look.roles
        rows: list[Line] = []
        shown = hard_wrap(clean_command(self.rule), max(cells - 24, 10))
        for at, part in enumerate(shown):
            head = " rule      " if not at else " " * 11
            tail = " · e edits it" if at == len(shown) - 1 else ""
            rows.append(
                (Segment(head, roles.quiet), Segment(part, roles.strong), *key_segments(tail, roles.quiet))
            )
        line: list[Segment] = [Segment(" for       ", roles.quiet)]
        for scope, words in ((SCOPES[0], wider.name), (SCOPES[1], "whole team")):
            chosen = scope is self.scope
            shown_words = f"‹ {words} ›" if chosen else words
            line += [Segment(shown_words, roles.strong if chosen else roles.text), Segment("   ")]
        rows += [tuple(line), key_segments("           ← → chooses", roles.quiet)]
        also = f", and what waits now for the same: {', '.join(wider.others)}" if wider.others else ""
        rows.append((Segment(" answers   ", roles.quiet), Segment(f"this one{also}")))
        rows.append(key_segments(" y allows · esc back to the request, unanswered", roles.quiet))
        return [*rows, BLANK, (Segment(" nothing is given until y", roles.quiet),)]

    def line(self, y: int) -> Line:
        self._drawn = self._token()
        return super().line(y)

    def _token(self) -> Token:
        return ("wider", *self.wider.token, self.scope, self.rule) if self.wider else ("wider",)

    def painted_tokens(self) -> frozenset[Token]:
        return frozenset({self._drawn}) if self._drawn else frozenset()

    def needed_tokens(self) -> tuple[Token, ...]:
        """What must have been painted before `y` counts: this rule with this scope."""
        return (self._token(),)


class WiderPanel(Vertical):
    """The sheet with the field for the rule."""

    DEFAULT_CSS = "WiderPanel { height: 1fr; } WiderPanel RuleField { display: none; }"

    def __init__(self, look: Look, yes: Callable[[Choice], None]) -> None:
        super().__init__(id="wider")
        self.sheet = WiderText(look)
        self.field = RuleField(id="rule-field", compact=True, select_on_focus=False)
        self._look = look
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The text, and under it the field while the rule is edited."""
        yield self.sheet
        yield self.field

    def open(self, wider: Wider) -> None:
        """Ask about this request."""
        sheet = self.sheet
        sheet.wider = wider
        sheet.scope = PermissionScope.TEAMMATE
        request = wider.request
        sheet.rule = (request.rule or "") if isinstance(request, PermissionRequest) else ""
        plan = isinstance(request, PlanRequest)
        sheet.title = f"{clean_name(wider.name)} ▲ {'plan' if plan else 'permission'} › wider"
        sheet.rebuild()

    @property
    def is_plan(self) -> bool:
        """Whether it is about a plan: there is no rule to edit then."""
        return self.sheet.wider is not None and isinstance(self.sheet.wider.request, PlanRequest)

    def edit_rule(self) -> bool:
        """Give the keys to the rule; False = there is none."""
        if self.is_plan:
            return False
        self.field.value = self.sheet.rule
        self.field.display = True
        self.field.focus()
        return True

    def on_rule_field_left(self, event: RuleField.Left) -> None:
        """Back to the sheet, with the rule as it was written."""
        event.stop()
        if event.is_taken and self.field.value.strip():
            self.sheet.rule = clean_line(self.field.value.strip())
        self.sheet.focus()
        self.field.display = False
        self.sheet.rebuild()

    def choose(self, step: int) -> None:
        """The next or previous scope."""
        if not self.is_plan:
            at = (SCOPES.index(self.sheet.scope) + step) % len(SCOPES)
            self.sheet.scope = SCOPES[at]
            self.sheet.rebuild()

    def say_yes(self) -> None:
        """Give what is shown."""
        if self.sheet.wider is not None:
            self._yes(Choice(self.sheet.wider, self.sheet.scope, self.sheet.rule))
