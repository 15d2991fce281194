"""What the person has begun to answer to one request: kept while they look elsewhere, until it is sent."""

from enum import StrEnum

import msgspec

from quarterdeck.domain.requests import StepComment


class PlanView(StrEnum):
    """How a plan is shown."""

    CHANGES = "changes"
    WHOLE = "whole"
    BEFORE = "before"
    RAW = "raw"


class Draft(msgspec.Struct):
    """One request's draft. Belongs to `version`: comments and edits are about that text."""

    version: int
    view: PlanView = PlanView.WHOLE
    own: str = ""
    """The person's own answer to a question."""
    chosen: int | None = None
    edited: str | None = None
    comments: tuple[StepComment, ...] = ()
    made: int = 0
    """How many comments were made so far, for their ids."""

    def add_comment(self, quote: str, text: str) -> None:
        """Put a comment on a step; an empty text takes the step's comment away."""
        others = tuple(one for one in self.comments if one.quote != quote)
        if not text.strip():
            self.comments = others
            return
        self.made += 1
        self.comments = (*others, StepComment(f"v{self.version}-{self.made}", quote, text.strip()))

    def comment_on(self, quote: str) -> str:
        """The comment on a step; empty when there is none."""
        return next((one.text for one in self.comments if one.quote == quote), "")


def views_of(version: int, *, is_edited: bool) -> tuple[PlanView, ...]:
    """The ways to show a plan, in the order in which a key goes round them."""
    if version > 1 or is_edited:
        return (PlanView.CHANGES, PlanView.WHOLE, PlanView.BEFORE, PlanView.RAW)
    return (PlanView.WHOLE, PlanView.RAW)
