"""Ordinary answers, as the real SDK reads them."""

from quarterdeck.llm.scripted.replies import Pace, Reply, ScriptedBlock, text_reply, tool_reply
from quarterdeck.llm.scripted.scenario import Rule, Scenario, When
from tests.contract.scripted.scripted import MODEL, always, ask, serving, user


async def test_text_comes_in_deltas_that_add_up() -> None:
    text = "Wide 漢字 and a longer sentence that takes several deltas."
    async with serving(always(text_reply(text, pace=Pace(chars=10)))) as (_, client):
        deltas: list[str] = []
        async with client.messages.stream(model=MODEL, max_tokens=9, messages=[user("Hi")]) as stream:
            async for piece in stream.text_stream:
                deltas.append(piece)
            message = await stream.get_final_message()
    assert "".join(deltas) == text
    assert [len(piece) for piece in deltas[:-1]] == [10] * (len(deltas) - 1)
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > len(text) // 4


async def test_thinking_text_and_two_tool_calls_arrive_as_written() -> None:
    call = {"path": "a.py", "content": 'x = "é"\n' * 20, "deep": {"list": [1, None, True]}}
    reply = Reply(
        content=(
            ScriptedBlock(thinking="Let me see. " * 10),
            ScriptedBlock(text="I write."),
            ScriptedBlock(tool="write", input=call),
            ScriptedBlock(tool="list", input={"path": "."}),
        ),
        pace=Pace(chars=7),
    )
    async with serving(always(reply)) as (_, client):
        message = await ask(client, user("Hi"))
    thinking, text, first, second = message.content
    assert thinking.type == "thinking"
    assert thinking.thinking == "Let me see. " * 10
    assert thinking.signature
    assert text.type == "text"
    assert first.type == "tool_use"
    assert second.type == "tool_use"
    assert first.input == call
    assert second.input == {"path": "."}
    assert first.id != second.id
    assert message.stop_reason == "tool_use"


async def test_without_stream_the_same_message_comes_whole() -> None:
    async with serving(always(tool_reply("bash", {"command": "ls"}, before="I look."))) as (_, client):
        streamed = await ask(client, user("Hi"))
        whole = await client.messages.create(model=MODEL, max_tokens=1000, messages=[user("Hi")])
    assert [b.to_dict() for b in whole.content[:1]] == [b.to_dict() for b in streamed.content[:1]]
    assert whole.stop_reason == streamed.stop_reason == "tool_use"
    assert whole.usage.output_tokens == streamed.usage.output_tokens


async def test_the_same_conversation_gets_the_same_reply_however_often_it_is_asked() -> None:
    scenario = Scenario(
        reply=(
            Rule(when=When(tool_results=0), content=(ScriptedBlock(tool="list", input={"path": "."}),)),
            Rule(text="Done."),
        )
    )
    async with serving(scenario) as (server, client):
        answers = [await ask(client, user("Hi")) for _ in range(3)]
        other = await ask(client, user("Hello"))
    assert answers[0].to_dict() == answers[1].to_dict() == answers[2].to_dict()
    assert other.content[0].to_dict() != answers[0].content[0].to_dict()
    assert [request.rule for request in server.request_log] == [0, 0, 0, 0]


async def test_count_tokens_and_models_answer_in_the_apis_shapes() -> None:
    async with serving(always(text_reply("Hi"), models=("claude-test", "claude-other"))) as (_, client):
        few = await client.messages.count_tokens(model=MODEL, messages=[user("Hi")])
        many = await client.messages.count_tokens(model=MODEL, messages=[user("Hi" * 400)])
        models = await client.models.list()
        one = await client.models.retrieve("claude-other")
    assert many.input_tokens - few.input_tokens == 2 * 399 / 4 + 0.5
    assert [model.id for model in models.data] == ["claude-test", "claude-other"]
    assert one.id == "claude-other"


async def test_a_long_stream_repeats_its_text() -> None:
    block = ScriptedBlock(text="0123456789", repeat_text=5000)
    async with serving(always(Reply(content=(block,), pace=Pace(chars=25)))) as (_, client):
        message = await ask(client, user("Hi"))
    assert message.content[0].to_dict()["text"] == "0123456789" * 5000
