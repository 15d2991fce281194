"""Facts as events for machines: one JSON object each, with `kind`, `seq`, `at` (epoch seconds), `run_id`.

Kinds: session, task_started, state_change, text, tool_started, tool_ended, request_opened, request_answered,
message, usage, progress, kill_proof, note, task_terminated. Streamed parts are left out: a `text` event holds
a whole block. Fields are only ever added.
"""

from typing import Any

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import request_kind
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.session import Session
from quarterdeck.state.teammates import NOBODY, Teammate

Event = dict[str, Any]


def events_of(sequence: int, action: did.Action, before: AppState, after: AppState) -> list[Event]:
    """What to tell of one fact, in order; nothing for what changed nothing."""
    head: Event = {"seq": sequence, "at": round(action.at, 3)}
    if isinstance(action, did.SessionResumed):
        return [{"kind": "session", **head, **_session(after.session), "crashed": action.crashed}]
    if after is before or isinstance(action, did.TextStreamed | did.ToolPrinted):
        return []
    run_id: RunId = getattr(action, "run_id", NOBODY)
    old, new = before.team.by_run.get(run_id), after.team.by_run.get(run_id)
    if new is not None:
        head |= {"run_id": new.run_id, "agent": new.name}
    told = _told(action, before, new)
    events = [{"kind": kind, **head, **fields} for kind, fields in told]
    if old is not None and new is not None and old.lifecycle is not new.lifecycle:
        change = {"from": old.lifecycle.value, "to": new.lifecycle.value}
        events.insert(0, {"kind": "state_change", **head, **change})
    if new is not None and new.is_terminal and (old is None or not old.is_terminal):
        events.append({"kind": "task_terminated", **head, **_end(new)})
    return events


def _session(of: did.SessionOpened | Session) -> Event:
    session_id = of.id if isinstance(of, Session) else of.session_id
    return {"session_id": session_id, "folder": of.folder, "team": of.team, "model": of.model}


def _end(mate: Teammate) -> Event:
    return {
        "agent_id": mate.agent_id,
        "tool_use_id": mate.tool_use_id,
        "outcome": mate.outcome.value if mate.outcome is not None else None,
        "summary": mate.final_text,
        "error": mate.error,
        "usage": usage_fields(mate.usage),
    }


def _told(action: did.Action, before: AppState, mate: Teammate | None) -> list[tuple[str, Event]]:
    match action:
        case did.SessionOpened():
            return [("session", _session(action))]
        case did.TeammateSpawned():
            return [
                (
                    "task_started",
                    {
                        "agent_id": action.agent_id,
                        "tool_use_id": action.tool_use_id,
                        "description": action.description,
                        "model": action.model,
                        "parent": action.parent,
                        "revived_from": action.revived_from,
                    },
                )
            ]
        case did.TextSaid(text=text, interrupted=interrupted):
            return [("text", {"text": text, "interrupted": interrupted})]
        case did.NoteTaken(text=text):
            return [("note", {"text": text})]
        case did.UsageRecorded(usage=usage):
            return [("usage", usage_fields(usage))]
    return _told_of_work(action, before, mate)


def _told_of_work(action: did.Action, before: AppState, mate: Teammate | None) -> list[tuple[str, Event]]:
    match action:
        case did.ToolStarted():
            return [
                (
                    "tool_started",
                    {
                        "call_id": action.call_id,
                        "tool": action.tool,
                        "title": action.title,
                        "rule": action.rule,
                    },
                )
            ]
        case did.ToolEnded():
            return [
                (
                    "tool_ended",
                    {
                        "call_id": action.call_id,
                        "tool": action.tool,
                        "title": action.title,
                        "status": action.status.value,
                        "summary": action.summary,
                        "duration_s": round(action.duration_s, 3),
                    },
                )
            ]
        case did.ProgressReported(tools=tools, tokens=tokens) if mate is not None:
            old = before.team.by_run[mate.run_id]
            return [
                ("progress", {"tools": tools - old.reported_tools, "tokens": tokens - old.reported_tokens})
            ]
        case did.MessageQueued():
            return [
                ("message", {"message_id": action.message_id, "from": action.sender, "text": action.text})
            ]
        case did.KillProcessesCounted(left=left, total=total, after_s=after_s):
            return [
                ("kill_proof", {"processes_left": left, "processes": total, "after_s": round(after_s, 4)})
            ]
        case did.KillTaskEnded(detached=detached, after_s=after_s):
            return [("kill_proof", {"task_ended": not detached, "after_s": round(after_s, 4)})]
    return _told_of_requests(action, before)


def _told_of_requests(action: did.Action, before: AppState) -> list[tuple[str, Event]]:
    match action:
        case did.RequestOpened(request=request):
            fields = {"request_id": request.id, "request": request_kind(request), "version": request.version}
            return [("request_opened", {**fields, "run_id": request.run_id})]
        case did.RequestAnswered(request_id=request_id, version=version, answer=answer):
            kind = type(answer).__name__
            request_now = before.inbox.by_id.get(request_id)
            fields = {"request_id": request_id, "version": version, "answer": kind}
            return [("request_answered", fields | ({"run_id": request_now.run_id} if request_now else {}))]
    return []


def usage_fields(usage: Usage) -> Event:
    """Tokens by their names in the Messages API."""
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "requests": usage.requests,
        "model": usage.model,
    }
