"""What only the person can answer: plans, permissions, questions; and the answers, bound to a version."""

from enum import StrEnum

import msgspec

from quarterdeck.domain.ids import CallId, RequestId, RunId
from quarterdeck.domain.teammates import PermissionMode


class CommentAnswer(msgspec.Struct, frozen=True):
    """A teammate's answer to one comment of the person on an earlier version of its plan."""

    comment_id: str
    text: str


class StepComment(msgspec.Struct, frozen=True):
    """The person's comment on one step of a plan (or on the whole: empty quote)."""

    id: str
    quote: str
    text: str


class PlanVersion(msgspec.Struct, frozen=True):
    """One submitted version and, once answered, what the person said to it."""

    number: int
    text: str
    submitted_at: float
    feedback: str = ""
    comments: tuple[StepComment, ...] = ()
    answers: tuple[CommentAnswer, ...] = ()
    """What this version says to the comments on the one before."""
    decided_at: float | None = None


class PlanRequest(msgspec.Struct, frozen=True, tag="plan"):
    """A plan to approve. `version` counts submissions; `versions` holds all of them, oldest first."""

    id: RequestId
    run_id: RunId
    opened_at: float
    version: int
    versions: tuple[PlanVersion, ...]
    call_id: CallId | None = None

    @property
    def text(self) -> str:
        """The Markdown of the newest version."""
        return self.versions[-1].text


class PermissionRequest(msgspec.Struct, frozen=True, tag="permission"):
    """A tool call that needs a yes. An approval binds exactly `subject` and `folder`."""

    id: RequestId
    run_id: RunId
    opened_at: float
    call_id: CallId
    tool: str
    """The rule name of the tool: Bash, Edit, Write, …"""
    subject: str
    """Shell: the whole command; files: the path."""
    folder: str
    why: str
    """Why it asks, in one line."""
    preview: str = ""
    """What would change (the text to write, the diff), for tools where `subject` does not say it all."""
    rule: str | None = None
    """The exact rule that a wider yes would store; None = no wider yes is offered."""
    timeout_s: float | None = None
    version: int = 1


class QuestionRequest(msgspec.Struct, frozen=True, tag="question"):
    """A question with up to nine options, or free text."""

    id: RequestId
    run_id: RunId
    opened_at: float
    call_id: CallId
    question: str
    options: tuple[str, ...] = ()
    version: int = 1


Request = PlanRequest | PermissionRequest | QuestionRequest


class PermissionScope(StrEnum):
    """How far a yes reaches."""

    ONCE = "once"
    TEAMMATE = "teammate"
    TEAM = "team"


class PlanApproved(msgspec.Struct, frozen=True, tag="plan_approved"):
    """Go on in `mode`; `edited_text` when the person changed the plan first."""

    mode: PermissionMode
    edited_text: str | None = None


class PlanRejected(msgspec.Struct, frozen=True, tag="plan_rejected"):
    """Plan again, with this said."""

    feedback: str
    comments: tuple[StepComment, ...] = ()


class PermissionGiven(msgspec.Struct, frozen=True, tag="permission_given"):
    """Run it. A wider scope stores `rule`."""

    scope: PermissionScope
    rule: str | None = None


class PermissionDenied(msgspec.Struct, frozen=True, tag="permission_denied"):
    """Do not run this one call."""

    reason: str = ""


class QuestionAnswered(msgspec.Struct, frozen=True, tag="question_answered"):
    """The chosen option or the person's own words."""

    text: str


class QuestionDeclined(msgspec.Struct, frozen=True, tag="question_declined"):
    """The person gives no answer; the teammate goes on without."""

    reason: str = ""


Answer = (
    PlanApproved | PlanRejected | PermissionGiven | PermissionDenied | QuestionAnswered | QuestionDeclined
)


def request_kind(request: Request) -> str:
    """`plan`, `permission` or `question`: the only word about a request that leaves the screen."""
    match request:
        case PlanRequest():
            return "plan"
        case PermissionRequest():
            return "permission"
        case QuestionRequest():
            return "question"
