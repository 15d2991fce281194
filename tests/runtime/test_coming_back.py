"""A session whose process was gone all at once comes back: rows, conversations, requests, mail and usage."""

from pathlib import Path

from quarterdeck.bootstrap.controller import controller_for
from quarterdeck.domain.requests import (
    PermissionDenied,
    PermissionGiven,
    PermissionScope,
    PlanApproved,
    QuestionAnswered,
)
from quarterdeck.domain.teammates import Lifecycle, Lifetime, Outcome, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, Stall
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text
from quarterdeck.state.selectors import DisplayDelays, select_living, select_total_usage
from quarterdeck.storage.reader import JournalReader
from tests.support.durable import durable
from tests.support.restarts import kept, replayed
from tests.support.world import HOLD, MAY_HOLD, calls, says

ECHO = "echo allowed > allowed.txt"


def talker(talk: Conversation) -> Reply:
    return says(f"Heard {talk.last_user_text}.")


def asker(talk: Conversation) -> Reply:
    """Wants to run a command; says what came of it."""
    if "allows the call" in talk.told and "exit 0" not in talk.told:
        return calls("bash", command=ECHO)
    if talk.results:
        return says(f"Result: {talk.told[-300:]}")
    return calls("bash", command=ECHO)


async def test_who_was_idle_is_idle_and_goes_on_with_the_whole_conversation(tmp_path: Path) -> None:
    async with kept({"a": talker}, tmp_path) as sessions:
        before = sessions.begin()
        run_id = before.spawn("a", prompt="one")
        await before.idle(run_id)
        usage = before.mate(run_id).usage
        after = await sessions.crash(before)
        mate = after.mate(run_id)
        assert mate.is_idle
        assert mate.usage == usage
        assert [entry.text for entry in after.entries(run_id, Text)] == ["Heard one."]
        assert after.session.supervisor.send(run_id, "you", "two", Way.STEER) is not None
        await after.until(lambda state: state.team.by_run[run_id].final_text == "Heard two.")
        roles = [message["role"] for message in after.bodies_of(run_id)[-1]["messages"]]
        assert roles == ["user", "assistant", "user"]
        assert after.bodies_of(run_id)[-1]["messages"][0]["content"][0]["text"] == "one"


async def test_coming_back_asks_the_model_nothing(tmp_path: Path) -> None:
    def streams(talk: Conversation) -> Reply:
        return says("All of this is said.", stall=Stall(after=3, seconds=60))

    async with kept(
        {"a": streams, "b": talker, "c": lambda talk: calls("bash", command=HOLD)}, tmp_path
    ) as all_:
        before = all_.begin()
        a, b = before.spawn("a"), before.spawn("b")
        c = before.spawn("c", rules=(MAY_HOLD,))
        await before.streaming(a)
        await before.idle(b)
        await before.holding(c)
        before.session.supervisor.pause(b)
        before.session.supervisor.send(b, "you", "unread", Way.QUEUE)
        asked = len(all_.server.request_log)
        after = await all_.crash(before)
        for run_id in (a, c):
            assert after.mate(run_id).outcome is Outcome.UNKNOWN
        assert after.mate(b).lifecycle is Lifecycle.PAUSED
        assert [mail.text for mail in after.state.mail[b]] == ["unread"]
        again = await all_.crash(after)
        assert again.mate(b).lifecycle is Lifecycle.PAUSED
        assert len(all_.server.request_log) == asked
        ends = [one for one in again.told(did.TeammateEnded) if one.run_id in (a, c)]
        assert ends == [], "an unknown run ended twice"
        assert again.session.supervisor.proceed(b)
        await again.until(lambda state: state.team.by_run[b].final_text == "Heard unread.")


async def test_mail_that_waits_for_an_idle_teammate_starts_no_turn_by_itself(tmp_path: Path) -> None:
    async with kept({"boss": talker, "kid": lambda talk: calls("bash", command=HOLD)}, tmp_path) as all_:
        before = all_.begin()
        boss = before.spawn("boss")
        await before.idle(boss)
        kid = before.spawn("kid", lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
        await before.holding(kid)
        after = await all_.crash(before)
        assert after.mate(kid).outcome is Outcome.UNKNOWN
        (told,) = after.told(did.ChildrenAnnounced)
        assert told.children == (kid,)
        assert after.mate(boss).lifecycle is Lifecycle.PAUSED
        assert after.mate(boss).paused_by == "the restart"
        assert [mail.sender for mail in after.state.mail[boss]] == ["kid"]
        assert after.requests_of(boss) == 1
        again = await all_.crash(after)
        assert again.told(did.ChildrenAnnounced) == []
        assert again.session.supervisor.proceed(boss)
        await again.until(lambda state: "kid: go" in state.team.by_run[boss].final_text)


async def test_a_sentence_that_was_being_streamed_is_there_as_cut_off(tmp_path: Path) -> None:
    def streams(talk: Conversation) -> Reply:
        if "go on" in talk.last_user_text:
            return says("I go on.")
        return says("This is said and never finished, as it is cut off.", stall=Stall(after=4, seconds=60))

    async with kept({"a": streams}, tmp_path) as all_:
        before = all_.begin()
        run_id = before.spawn("a")
        so_far = await before.streaming(run_id)
        after = await all_.crash(before)
        assert after.mate(run_id).outcome is Outcome.UNKNOWN
        (text,) = after.entries(run_id, Text)
        assert text.interrupted
        assert text.text.startswith(so_far)
        assert any("Cut off" in note.text for note in after.entries(run_id, Note))
        notice = after.state.session.notice
        assert notice is not None
        assert notice.text == "A crash cut off 1 turn: r revives it."
        assert after.mate(run_id).final_text == text.text
        await after.session.prepare_revival(run_id)
        new = after.session.supervisor.revive(run_id, "go on").run_id
        assert new is not None
        await after.until(lambda state: state.team.by_run[new].final_text == "I go on.")
        sent = after.bodies_of(new)[-1]["messages"]
        assert sent[1] == {"role": "assistant", "content": [{"type": "text", "text": text.text}]}


async def test_an_allowed_call_that_was_cut_off_is_made_again_and_not_asked_again(tmp_path: Path) -> None:
    async with kept({"a": asker}, tmp_path) as all_:
        before = all_.begin()
        run_id = before.spawn("a")
        request = await before.asked(run_id)
        after = await all_.crash(before)
        assert after.mate(run_id).outcome is Outcome.UNKNOWN
        assert after.state.inbox.suspended == (request.id,)
        assert after.session.answer(request.id, request.version + 1, PermissionGiven(PermissionScope.ONCE))
        assert not after.session.answer(request.id, request.version, PermissionGiven(PermissionScope.ONCE))
        await after.until(
            lambda state: any(mate.revived_from == run_id for mate in state.team.by_run.values())
        )
        new = next(one for one, mate in after.state.team.by_run.items() if mate.revived_from == run_id)
        await after.idle(new)
        assert (after.folder / "allowed.txt").read_text() == "allowed\n"
        assert after.told(did.RequestOpened) == []
        assert not len(after.state.inbox.suspended)
        await after.session.kept()
        assert after.session.keeper is not None
        with JournalReader(after.session.keeper.place.database) as reader:
            assert {row.run_id: row.waits_on for row in reader.runs()} == {run_id: None, new: None}


async def test_a_denied_call_that_was_cut_off_is_told_as_denied(tmp_path: Path) -> None:
    async with kept({"a": asker}, tmp_path) as all_:
        before = all_.begin()
        run_id = before.spawn("a")
        request = await before.asked(run_id)
        after = await all_.crash(before)
        assert not after.session.answer(request.id, 1, PermissionDenied("Not here."))
        await after.until(lambda state: len(state.team.by_run) == 2)
        new = next(one for one, mate in after.state.team.by_run.items() if mate.revived_from == run_id)
        await after.idle(new)
        assert "They said: Not here." in str(after.bodies_of(new)[0]["messages"][-1])
        assert not (after.folder / "allowed.txt").exists()


async def test_a_question_and_a_plan_are_answered_after_the_restart(tmp_path: Path) -> None:
    def planner(talk: Conversation) -> Reply:
        return says("I start.") if "approved" in talk.told else calls("submit_plan", plan="1. Do it.")

    def curious(talk: Conversation) -> Reply:
        if "blue" in talk.told:
            return says("Blue it is.")
        return calls("ask_person", question="Which colour?", options=["red", "blue"])

    async with kept({"p": planner, "q": curious}, tmp_path) as all_:
        before = all_.begin()
        p, q = before.spawn("p", plan_mode_required=True), before.spawn("q")
        plan, question = await before.asked(p), await before.asked(q)
        after = await all_.crash(before)
        assert set(after.state.inbox.suspended) == {plan.id, question.id}
        assert not after.session.answer(plan.id, 1, PlanApproved(PermissionMode.DEFAULT))
        assert not after.session.answer(question.id, 1, QuestionAnswered("blue"))
        await after.until(
            lambda state: (
                {mate.final_text for mate in select_living(state.team)} == {"I start.", "Blue it is."}
            )
        )
        modes = {mate.name: mate.permission_mode for mate in select_living(after.state.team)}
        assert modes["p"] is PermissionMode.DEFAULT


async def test_the_journal_alone_gives_the_state_back(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Done.") if talk.results else calls("bash", "First this.", command="echo hi")

    async with kept({"w": worker, "a": asker}, tmp_path) as all_:
        here = all_.begin()
        one = here.spawn("w", rules=("Bash(echo hi)",))
        two = here.spawn("a")
        await here.idle(one)
        await here.asked(two)
        here.session.supervisor.kill(one)
        await here.until(lambda state: (kill := state.team.by_run[one].kill) is not None and kill.is_complete)
        assert durable(await replayed(here)) == durable(here.state)
        after = await all_.crash(here)
        assert select_total_usage(after.state.team) == select_total_usage(here.state.team)
        assert durable(await replayed(after)) == durable(after.state)


async def test_a_quit_leaves_the_idle_as_they_are_and_cuts_off_who_works(tmp_path: Path) -> None:
    def streams(talk: Conversation) -> Reply:
        return says("So far and no further, as the program ends.", stall=Stall(after=4, seconds=60))

    async with kept({"a": streams, "b": talker}, tmp_path) as all_:
        before = all_.begin()
        a, b = before.spawn("a"), before.spawn("b", prompt="one")
        said = await before.streaming(a)
        await before.idle(b)
        await before.session.close()
        after = all_.come_back(tmp_path / "state", before.session.id)
        assert after.session.found is not None
        assert not after.session.found.crashed
        assert after.mate(b).is_idle
        assert after.mate(a).outcome is Outcome.UNKNOWN
        assert after.mate(a).ended_by == "quit"
        assert said in str([entry.text for entry in after.entries(a, Text)])
        after.session.supervisor.send(b, "you", "two", Way.STEER)
        await after.until(lambda state: state.team.by_run[b].final_text == "Heard two.")


async def test_what_an_ended_run_had_not_read_is_read_by_its_next_life_also_after_a_restart(
    tmp_path: Path,
) -> None:
    def once(talk: Conversation) -> Reply:
        return says(f"Now: {talk.last_user_text}") if talk.results else calls("bash", command=HOLD)

    async with kept({"a": once}, tmp_path) as all_:
        before = all_.begin()
        run_id = before.spawn("a", rules=(MAY_HOLD,))
        await before.holding(run_id)
        before.session.supervisor.send(run_id, "you", "read me", Way.QUEUE)
        after = await all_.crash(await all_.crash(before))
        await after.session.prepare_revival(run_id)
        new = after.session.supervisor.revive(run_id).run_id
        assert new is not None
        await after.until(lambda state: "read me" in state.team.by_run[new].final_text)
        assert after.mate(new).rules == (MAY_HOLD,)


async def test_a_turn_that_was_cut_off_goes_on_with_its_revival(tmp_path: Path) -> None:
    def streams(talk: Conversation) -> Reply:
        if "Go on where you were" in talk.last_user_text:
            return says("And this is the rest.")
        return says("This is the first half of it, and", stall=Stall(after=4, seconds=60))

    async with kept({"a": streams}, tmp_path) as all_:
        before = all_.begin()
        run_id = before.spawn("a")
        await before.streaming(run_id)
        after = await all_.crash(before)
        await after.session.prepare_revival(run_id)
        new = after.session.supervisor.revive(run_id).run_id
        assert new is not None
        await after.until(lambda state: state.team.by_run[new].final_text == "And this is the rest.")
        after.session.housekeeping.tick()
        assert after.state.team.rows == (new,), (
            "the row of the life before goes when the next one has its own"
        )


async def test_what_an_evicted_run_said_is_on_disk_alone_and_comes_in_when_it_is_wanted(
    tmp_path: Path,
) -> None:
    async with kept({"a": talker}, tmp_path) as all_:
        here = all_.begin(delays=DisplayDelays(killed=0.0))
        run_id = here.spawn("a", prompt="one")
        await here.idle(run_id)
        here.session.supervisor.send(run_id, "you", "two", Way.STEER)
        await here.until(lambda state: state.team.by_run[run_id].final_text == "Heard two.")
        await here.idle(run_id)
        here.session.supervisor.kill(run_id)
        await here.until(lambda state: run_id in state.team.history)
        conversations = here.session.conversations
        assert conversations.page(run_id, before=2**53, count=100) == ()
        assert conversations.history(run_id) == []
        port = controller_for(here.session, tmp_path / "settings.toml", lambda prefix: ()).conversation
        entries = await port.page(run_id, before=2**53, count=100)
        assert [entry.text for entry in entries if isinstance(entry, Text)] == ["Heard one.", "Heard two."]
        await here.session.prepare_revival(run_id)
        new = here.session.supervisor.revive(run_id, "three").run_id
        assert new is not None
        await here.until(lambda state: state.team.by_run[new].final_text == "Heard three.")
        roles = [message["role"] for message in here.bodies_of(new)[0]["messages"]]
        assert roles == ["user", "assistant"] * 2 + ["user"]
        texts = [one.text for one in await port.page(new, before=2**53, count=100) if isinstance(one, Text)]
        assert texts == ["Heard one.", "Heard two.", "Heard three."]
