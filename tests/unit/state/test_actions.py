"""The vocabulary of facts: its tags are read back from what old sessions wrote, so they never change."""

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from tests.support.action_sequences import action_kinds

TAGS = {
    "SessionOpened": "session_opened",
    "TeammateSpawned": "teammate_spawned",
    "TeammateReady": "teammate_ready",
    "TurnStarted": "turn_started",
    "VerbChanged": "verb_changed",
    "TurnEnded": "turn_ended",
    "TeammateWaited": "teammate_waited",
    "TeammateResumed": "teammate_resumed",
    "TeammatePaused": "teammate_paused",
    "TeammateContinued": "teammate_continued",
    "StopRequested": "stop_requested",
    "StopTakenBack": "stop_taken_back",
    "ClosingStepStarted": "closing_step_started",
    "TeammateEnded": "teammate_ended",
    "TeammateKilled": "teammate_killed",
    "KillStreamClosed": "kill_stream_closed",
    "KillProcessesCounted": "kill_processes_counted",
    "KillTaskEnded": "kill_task_ended",
    "RequestRefusedAfterKill": "request_refused_after_kill",
    "TeammateRenamed": "teammate_renamed",
    "ModelChosen": "model_chosen",
    "PermissionModeChanged": "permission_mode_changed",
    "TeammateEvicted": "teammate_evicted",
    "TeammateViewed": "teammate_viewed",
    "TeammateSeen": "teammate_seen",
    "StepStarted": "step_started",
    "TextStreamed": "text_streamed",
    "StepDiscarded": "step_discarded",
    "TextSaid": "text_said",
    "ThoughtFinished": "thought_finished",
    "StepAccepted": "step_accepted",
    "UsageRecorded": "usage_recorded",
    "ProgressReported": "progress_reported",
    "ToolStarted": "tool_started",
    "ToolPrinted": "tool_printed",
    "ToolEnded": "tool_ended",
    "RequestOpened": "request_opened",
    "RequestAnswered": "request_answered",
    "RequestWithdrawn": "request_withdrawn",
    "RuleGiven": "rule_given",
    "MessageQueued": "message_queued",
    "MessageDelivered": "message_delivered",
    "MessageAnswered": "message_answered",
    "MessageWithdrawn": "message_withdrawn",
    "NoteTaken": "note_taken",
    "NoticeRaised": "notice_raised",
    "SessionResumed": "session_resumed",
    "SessionClosed": "session_closed",
    "ChildrenAnnounced": "children_announced",
    "RunArchived": "run_archived",
    "RunReleased": "run_released",
    "TranscriptDropped": "transcript_dropped",
    "MessageRecorded": "message_recorded",
    "HistoryRepaired": "history_repaired",
}


def test_the_tag_of_every_action_is_as_it_always_was() -> None:
    assert {kind.__name__: kind.__struct_config__.tag for kind in action_kinds()} == TAGS


def test_every_action_of_the_module_is_in_the_union() -> None:
    told = {kind for kind in vars(did).values() if isinstance(kind, type) and issubclass(kind, did.Fact)}
    assert told - {did.Fact} == set(action_kinds())


def test_an_action_is_frozen_and_holds_plain_values_only() -> None:
    for kind in action_kinds():
        assert kind.__struct_config__.frozen
    told = msgspec.to_builtins(did.TeammateReady(at=1.5, run_id=RunId("r")))
    assert told == {"t": "teammate_ready", "at": 1.5, "run_id": "r"}


def test_only_what_is_for_the_screen_alone_is_not_durable() -> None:
    transient = {"VerbChanged", "TextStreamed", "ToolPrinted", "TeammateViewed", "NoticeRaised"}
    assert {kind.__name__ for kind in did.TRANSIENT} == transient
    assert not did.is_durable(did.NoticeRaised(at=1.0, text="x"))
    assert did.is_durable(did.TeammateReady(at=1.0, run_id=RunId("r")))
