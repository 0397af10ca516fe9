"""What a lab can expect of a call: each expectation holds of one call and fails of another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patter import Agent, PluginRegistry, tool
from patter.errors import AuthenticationError, RateLimitError
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import (
    FakeGuardrail,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    LLMJudge,
    Reply,
    lab,
    unexercised,
)
from patter_testing.judge import read_verdict

pytestmark = pytest.mark.virtual_time
NUMBER = "+15550188000"
VERDICT = json.dumps({"score": 0.9, "reasoning": "It says sorry."})


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return "five to eleven"


def mind(request: LLMRequest) -> Reply | str:
    last = request.messages[-1]
    if last.role == "tool":
        return "Done."
    calls = {
        "open": ("opening_hours", '{"day": "sunday"}'),
        "person": ("transfer_call", json.dumps({"number": NUMBER})),
        "bye": ("end_call", "{}"),
    }
    for word, (name, arguments) in calls.items():
        if word in last.text:
            return Reply(text="Of course.", tools=(ToolRequest("1", name, arguments),))
    return "Sorry, no lawsuit."


def agent(**fields: Any) -> Agent:
    parts: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(answer=mind), "tts": FakeTTS()}
    parts |= {"tools": [opening_hours], "transfer_allowed": "*", "first_message": "Hello."}
    return Agent(system_prompt="Be brief.", **(parts | fields))


async def test_a_transfer_is_expected_anywhere_or_to_a_target() -> None:
    async with lab(agent()) as call:
        await call.listens()
        with pytest.raises(AssertionError, match="there was no transfer"):
            call.expect_transfer()
        await call.says("a person please")
        await call.caller.waits(2_000)
        call.expect_transfer()
        call.expect_transfer(NUMBER)
        with pytest.raises(AssertionError, match=r"no transfer to \+49; there was transfers to"):
            call.expect_transfer("+49")


async def test_the_agents_hangup_is_not_the_callers() -> None:
    async with lab(agent()) as call:
        await call.listens()
        with pytest.raises(AssertionError, match="the call goes on"):
            call.expect_hangup()
        assert await call.says("bye") == "Of course.Done."
        await call.caller.hears_the_agent_hang_up()
        call.expect_hangup()
    async with lab(agent()) as call:
        await call.listens()
        await call.hangs_up()
        with pytest.raises(AssertionError, match="the caller ended it"):
            call.expect_hangup()


async def test_a_judge_is_shown_what_was_said_and_its_verdict_counts() -> None:
    judge = FakeLLM(replies=(VERDICT,))
    async with lab(agent()) as call:
        await call.listens()
        await call.says("good day")
        verdict = await call.expect_judged("apologises", llm=judge)
        assert verdict.score == 0.9
        with pytest.raises(AssertionError, match=r"'apologises' scored 0\.9: It says sorry"):
            await call.expect_judged("apologises", llm=judge, pass_threshold=0.95)
    case = judge.requests[0].messages[-1].text
    assert "Criterion: apologises" in case
    assert '{"role": "caller", "text": "good day"}' in case
    assert '{"role": "agent", "text": "Sorry, no lawsuit."}' in case


@pytest.mark.parametrize(
    ("judge", "reason", "asked"),
    [
        (FakeLLM(replies=("I think it is fine.",)), "its answer is not a verdict: 'I think", 3),
        (FakeLLM(replies=(Reply(silent=True),)), r"said nothing within 0\.05 s", 3),
        (FakeLLM(replies=(Reply(fails=RateLimitError("slow", fix="wait")),)), "slow", 3),
        (
            FakeLLM(replies=(Reply(fails=AuthenticationError("no", fix="key")),)),
            "no verdict: no",
            1,
        ),
        ("nobody/at-all", "no llm provider named 'nobody'", 0),
    ],
)
async def test_without_a_verdict_it_fails_and_says_why(
    judge: FakeLLM | str, reason: str, asked: int
) -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    verdict = await LLMJudge(llm=judge, within_s=0.05, registry=registry).judge("kind", [])
    assert not verdict.passed
    assert verdict.score == 0
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(verdict.reasoning)
    assert isinstance(judge, str) or len(judge.requests) == asked


async def test_a_judge_that_talks_first_is_asked_again() -> None:
    judge = FakeLLM(replies=("Well,", f"Sure: {VERDICT} I hope that helps."))
    verdict = await LLMJudge(llm=judge).judge("kind", [{"role": "agent", "text": "Hello."}])
    assert (verdict.passed, verdict.reasoning) == (True, "It says sorry.")
    assert [row.role for row in judge.requests[1].messages[2:]] == ["assistant", "user"]


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[0.9]", '{"score": true}', '{"score": "1"}', '{"score": 1.1}', '{"score": NaN}'],
)
def test_what_has_no_score_is_no_verdict(answer: str) -> None:
    assert read_verdict(answer) is None


def test_a_verdict_is_found_wherever_it_stands() -> None:
    assert read_verdict('{"thought": {}} then {"score": 1}') == (1.0, "")
    assert read_verdict('```json\n{"score": 0, "reasoning": "no"}\n```') == (0.0, "no")


async def test_what_was_not_exercised_has_names() -> None:
    watched = agent(guardrails=[FakeGuardrail(blocked=("lawsuit",), name="legal")])
    async with lab(watched) as first:
        await first.listens()
        await first.says("are you open")
    assert first.unexercised.tools == ()
    assert first.unexercised.guardrails == ("legal",)
    assert "greeting" not in first.unexercised.phrases
    assert {"reprompt", "apology"} <= set(first.unexercised.phrases)
    async with lab(watched) as second:
        await second.speaks("good day")
        await second.caller.waits(12_000)
    assert second.unexercised.tools == ("opening_hours",)
    assert second.unexercised.guardrails == ()
    assert "not exercised: tools opening_hours" in str(second.unexercised)
    both = unexercised(second.session.plan, [first.events, second.events], ["en", "de"])
    assert (both.tools, both.guardrails, both.languages) == ((), (), ("de",))
    assert "reprompt" not in both.phrases
