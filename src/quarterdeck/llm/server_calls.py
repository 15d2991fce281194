"""Calls that the provider runs itself (`server_tool_use`, `mcp_tool_use`) and whose result never came.

Their result stands in a later block of an assistant message; a call that was left alone is refused for ever.
Pure; part of history repair.
"""

from collections.abc import Sequence

from quarterdeck.domain.messages import Block, Message, tool_use_ids


def is_server_call(block: Block) -> bool:
    """A call that the provider runs; `tool_use` is the client's."""
    return str(block.get("type")).endswith("_tool_use")


def abandoned_calls(messages: Sequence[Message]) -> frozenset[str]:
    """The ids of server calls that nothing will answer any more.

    Still open are those of the last assistant messages as long as the turn goes on there: nothing follows
    (`pause_turn`), or the results of client calls do (a program of the server that called our tools).
    """
    calls: set[str] = set()
    for message in messages[: _open_from(messages)]:
        if message.role == "assistant":
            calls.update(str(block.get("id")) for block in message.content if is_server_call(block))
    if not calls:
        return frozenset()
    return frozenset(calls - _answered_or_calling(messages))


def _open_from(messages: Sequence[Message]) -> int:
    """Where the last run of assistant messages begins when its turn goes on, else the end."""
    end = len(messages)
    while end and messages[end - 1].role == "user":
        end -= 1
    if end < len(messages) and end and not tool_use_ids(messages[end - 1]):
        return len(messages)
    start = end
    while start and messages[start - 1].role == "assistant":
        start -= 1
    return start


def _answered_or_calling(messages: Sequence[Message]) -> set[str]:
    found: set[str] = set()
    for message in messages:
        if message.role == "user":
            continue
        for block in message.content:
            caller = block.get("caller")
            found.add(str(block.get("tool_use_id")))
            if isinstance(caller, dict):
                found.add(str(caller.get("tool_id")))
    return found
