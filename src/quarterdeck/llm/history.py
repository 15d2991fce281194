"""History repair before every request: what the Messages API would refuse is put right, and nothing else.

Pure and idempotent. A message that needs nothing stays the same object; thinking blocks are never changed.
"""

from collections.abc import Collection, Iterable, Sequence

from quarterdeck.domain.messages import Block, Message, tool_result_block, tool_use_ids
from quarterdeck.llm.server_calls import abandoned_calls, is_server_call

CUT_OFF = "No result: the call was cut off."
"""What the model reads where a call has no result."""


def repair(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same history, fit to be sent; empty when nothing of it can be.

    Each `tool_use` gets its `tool_result` in the next user message, in call order and before other blocks
    (a missing one is made up as an error), orphan results go, user messages in a row become one,
    empty text, empty messages and server calls that nothing answers go.
    An assistant message may be the last one (`pause_turn`).
    """
    repaired = _paired(messages)
    while abandoned := abandoned_calls(repaired):
        repaired = _paired([_without(message, abandoned) for message in repaired])
    return repaired


def _paired(messages: Sequence[Message]) -> tuple[Message, ...]:
    repaired: list[Message] = []
    used: set[str] = set()
    group: list[Message] = []
    for message in messages:
        if message.role == "user":
            group.append(message)
            continue
        answer = _cleaned_assistant(message, used)
        if not answer.content:
            continue
        _close_group(repaired, group)
        group = []
        if repaired:  # The API wants a user message first.
            repaired.append(answer)
    _close_group(repaired, group)
    return tuple(repaired)


def is_valid(messages: Sequence[Message]) -> str | None:
    """The first fault that the API would refuse, in words; None when there is none."""
    if not messages:
        return "there is no message"
    if messages[0].role != "user":
        return "the first message is not the user's"
    used: set[str] = set()
    for place, message in enumerate(messages):
        before = messages[place - 1] if place else None
        fault = _fault_in(message, before, used)
        if fault:
            return f"message {place}: {fault}"
    if abandoned_calls(messages):
        return "a server's call that nothing answers"
    if tool_use_ids(messages[-1]) and messages[-1].role == "assistant":
        return f"message {len(messages) - 1}: tool calls without results at the end"
    return None


def _close_group(repaired: list[Message], group: Sequence[Message]) -> None:
    """Add the user messages between two assistant messages as one, or what the calls before them need."""
    calls = tool_use_ids(repaired[-1]) if repaired and repaired[-1].role == "assistant" else ()
    blocks = [block for message in group for block in message.content]
    content = _answering(calls, blocks)
    if not content:
        return
    if len(group) == 1 and _same_blocks(group[0].content, content):
        repaired.append(group[0])
    else:
        repaired.append(Message(role="user", content=tuple(content)))


def _answering(calls: Sequence[str], blocks: Iterable[Block]) -> list[Block]:
    """The results of `calls` in their order, then everything else that a user message may hold."""
    results: dict[str, Block] = {}
    others: list[Block] = []
    for block in blocks:
        match block.get("type"):
            case "tool_result":
                results.setdefault(str(block.get("tool_use_id")), block)
            case "tool_use":
                continue
            case _ if not _is_blank(block):
                others.append(block)
    answered = [results.get(call) or tool_result_block(call, CUT_OFF, is_error=True) for call in calls]
    return [*answered, *others]


def _cleaned_assistant(message: Message, used: set[str]) -> Message:
    """Without results, blank text, and calls whose id was used before (the API wants them unique)."""
    content: list[Block] = []
    for block in message.content:
        kind = block.get("type")
        if kind == "tool_result" or _is_blank(block):
            continue
        if kind == "tool_use":
            if str(block.get("id")) in used:
                continue
            used.add(str(block.get("id")))
        content.append(block)
    if _same_blocks(message.content, content):
        return message
    return Message(role="assistant", content=tuple(content))


def _without(message: Message, server_calls: Collection[str]) -> Message:
    content = [b for b in message.content if not (is_server_call(b) and str(b.get("id")) in server_calls)]
    if message.role == "user" or _same_blocks(message.content, content):
        return message
    return Message(role="assistant", content=tuple(content))


def _fault_in(message: Message, before: Message | None, used: set[str]) -> str:
    if not message.content:
        return "it is empty"
    if any(_is_blank(block) for block in message.content):
        return "it holds blank text"
    if message.role == "user":
        return _fault_in_user(message, before)
    if before is not None and before.role == "assistant" and tool_use_ids(before):
        return "the tool calls before it have no results"
    for call in tool_use_ids(message):
        if call in used:
            return f"the id {call} is used twice"
        used.add(call)
    return "a result in the assistant's message" if _result_ids(message) else ""


def _fault_in_user(message: Message, before: Message | None) -> str:
    if before is not None and before.role == "user":
        return "two user messages in a row"
    if tool_use_ids(message):
        return "a tool call in the user's message"
    calls = tool_use_ids(before) if before is not None else ()
    results = _result_ids(message)
    if results != calls:
        return f"its results are {list(results)} where {list(calls)} were called"
    leading = [block.get("type") == "tool_result" for block in message.content[: len(calls)]]
    return "" if all(leading) else "its results are not its first blocks"


def _result_ids(message: Message) -> tuple[str, ...]:
    return tuple(str(b.get("tool_use_id")) for b in message.content if b.get("type") == "tool_result")


def _is_blank(block: Block) -> bool:
    # The API refuses text blocks without a visible character.
    text = block.get("text")
    return block.get("type") == "text" and (not isinstance(text, str) or not text.strip())


def _same_blocks(left: Sequence[Block], right: Sequence[Block]) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))
