"""What a run has going on beside its lifecycle: a tool call that runs now."""

import msgspec

from quarterdeck.domain.ids import CallId


class RunningTool(msgspec.Struct, frozen=True):
    """A tool call that runs now."""

    call_id: CallId
    tool: str
    title: str
    started_at: float
    timeout_s: float | None
