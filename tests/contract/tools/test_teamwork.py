"""Plans, questions, messages and spawning: what goes up, and what the model is told."""

from typing import Any

import pytest

from quarterdeck.domain.ids import CallId
from quarterdeck.domain.requests import (
    Answer,
    CommentAnswer,
    PermissionDenied,
    PlanApproved,
    PlanRejected,
    QuestionAnswered,
    QuestionDeclined,
    StepComment,
)
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.tools.plan_words import rejected_words
from tests.contract.tools.bench import Bench

PLAN = "# Fix rounding\n\n1. Read cart.py\n2. Fix it"


async def test_a_plan_goes_to_the_person_with_the_answers_to_comments(bench: Bench) -> None:
    await bench.text("submit_plan", plan=PLAN, answers=[{"comment_id": "c1", "text": "Step 2 now."}])
    assert bench.person.plans == [
        (CallId("call-1"), PLAN, (CommentAnswer(comment_id="c1", text="Step 2 now."),))
    ]
    tool = bench.tool("submit_plan")
    assert tool.title(tool.parse({"plan": PLAN})) == "Fix rounding"


@pytest.mark.parametrize("mode", [PermissionMode.DEFAULT, PermissionMode.ACCEPT_EDITS])
async def test_an_approval_names_the_mode(bench: Bench, mode: PermissionMode) -> None:
    bench.person.plan_answer = PlanApproved(mode=mode)
    result = await bench.call("submit_plan", plan=PLAN)
    assert str(result.content).startswith(f"The person approved the plan. You now work in mode {mode}")
    assert not result.ends_turn


async def test_a_plan_that_the_person_changed_comes_back_whole(bench: Bench) -> None:
    edited = PLAN + "\n3. Run the tests"
    bench.person.plan_answer = PlanApproved(mode=PermissionMode.DEFAULT, edited_text=edited)
    assert (await bench.text("submit_plan", plan=PLAN)).endswith(edited)


async def test_a_rejection_gives_the_feedback_and_each_comment_with_its_id(bench: Bench) -> None:
    bench.person.plan_answer = PlanRejected(
        feedback="Too wide.",
        comments=(
            StepComment(id="c1", quote="2. Fix it", text="How?"),
            StepComment(id="c2", quote="", text="Add tests."),
        ),
    )
    result = await bench.call("submit_plan", plan=PLAN)
    lines = str(result.content).split("\n")
    assert lines[0].startswith("The person rejected the plan.")
    assert "Feedback: Too wide." in lines
    assert 'comment c1 on "2. Fix it": How?' in lines
    assert "comment c2 on the whole plan: Add tests." in lines
    assert result.summary == "rejected"


def test_a_rejection_can_name_the_version() -> None:
    assert rejected_words(PlanRejected(feedback=""), version=2).startswith("The person rejected the plan v2.")


@pytest.mark.parametrize("answer", [PermissionDenied(), QuestionDeclined()])
async def test_nothing_but_an_approval_approves(bench: Bench, answer: Answer) -> None:
    bench.person.plan_answer = answer
    assert "not approved" in await bench.refusal("submit_plan", plan=PLAN)


async def test_a_question_is_answered_or_not(bench: Bench) -> None:
    bench.person.question_answer = QuestionAnswered(text="the second")
    text = await bench.text("ask_person", question="Which?", options=["a", "b"])
    assert text == "The person answered: the second"
    assert bench.person.questions == [("Which?", ("a", "b"))]
    bench.person.question_answer = QuestionDeclined(reason="you choose")
    assert "gives no answer and said: you choose" in await bench.text("ask_person", question="Which?")


async def test_a_message_gives_its_receipt_or_the_nearest_name(bench: Bench) -> None:
    assert await bench.text("send_message", to="coder", text="hi") == "Queued for coder."
    assert bench.team.sent == [("coder", "hi")]
    assert "Did you mean coder?" in await bench.refusal("send_message", to="codr", text="hi")


@pytest.mark.parametrize("plans", [True, False])
async def test_a_teammate_is_started_as_asked(bench: Bench, plans: bool) -> None:
    given: dict[str, Any] = {"name": "tester", "prompt": "test it", "plan_mode": plans}
    assert bench.subject("spawn_teammate", given).spawns_without_plan is not plans
    await bench.text("spawn_teammate", **given)
    assert bench.team.spawned == [("tester", "test it", plans, CallId("call-1"))]


async def test_what_would_be_written_is_shown_whole(bench: Bench) -> None:
    content = "".join(f"line {n}\n" for n in range(5_000))
    subject = bench.subject("write", {"path": "./a/../b.txt", "content": content})
    assert (subject.text, subject.rule, subject.preview) == ("b.txt", "Edit(b.txt)", content)
    assert subject.edits_files
    edit = bench.subject("edit", {"path": "b.txt", "old_text": "x\ny", "new_text": "z"})
    assert edit.preview == "-x\n-y\n+z\n"
