"""Suites that are run: whole calls in virtual time, judged, and the same every time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patter import Agent, tool
from patter.errors import PatterConfigError
from patter.providers.llm import LLMRequest, ToolRequest
from patter_evals import EvalCase, EvalRunner, EvalSuite, EvalTurn, LLMJudge
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return "five to eleven"


def mind(request: LLMRequest) -> Reply | str:
    last = request.messages[-1]
    if last.role == "tool":
        return f"From {last.text}."
    if "open" in last.text:
        return Reply(tools=(ToolRequest("1", "opening_hours", '{"day": "sunday"}'),))
    if "bye" in last.text:
        return Reply(text="Goodbye.", tools=(ToolRequest("2", "end_call", "{}"),))
    return f"You said {last.text}."


def agent(**fields: Any) -> Agent:
    parts: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(answer=mind), "tts": FakeTTS()}
    parts |= {"tools": (opening_hours,), "first_message": "Hello."}
    return Agent(system_prompt="Be brief.", **(parts | fields))


def verdict(score: float, reasoning: str = "So it is.") -> str:
    return json.dumps({"score": score, "reasoning": reasoning})


def judge(*answers: str, **fields: Any) -> LLMJudge:
    return LLMJudge(llm=FakeLLM(replies=answers), **fields)


def suite(*cases: EvalCase) -> EvalSuite:
    return EvalSuite("bistro", cases)


HOURS = EvalCase("hours", (EvalTurn("are you open", "FIVE to eleven"),), tags="smoke")
KIND = EvalCase("kind", ("thank you",), "It is kind.", "1 if it is kind.")


async def test_answers_are_checked_and_conversations_judged() -> None:
    model = FakeLLM(replies=(verdict(0.8),))
    result = await EvalRunner(LLMJudge(llm=model)).run(suite(HOURS, KIND), agent)
    assert result.passed
    assert [(case.name, case.score) for case in result.cases] == [("hours", 1.0), ("kind", 0.8)]
    [request] = model.requests
    asked = request.messages[-1].text
    assert "Expected behaviour: It is kind.\nRubric: 1 if it is kind." in asked
    assert '{"role": "agent", "text": "You said thank you."}' in asked


async def test_what_an_answer_lacks_is_told() -> None:
    wrong = EvalCase("wrong", (EvalTurn("hi"), EvalTurn("are you open", ["five", "noon"])))
    result = await EvalRunner(judge()).run(suite(wrong), agent)
    [case] = result.cases
    assert not result.passed
    assert case.score == 0
    assert case.failures == ('turn 2 lacks "noon"; the answer was "From five to eleven."',)
    assert str(case).splitlines()[0] == "FAIL  wrong  0.00"
    assert str(result) == "1 failed, 0 ok   bistro, mean score 0.00"


async def test_the_threshold_decides() -> None:
    for threshold, passes in ((0.5, True), (0.6, True), (0.61, False)):
        runner = EvalRunner(judge(verdict(0.6, "Curt."), pass_threshold=threshold))
        result = await runner.run(suite(KIND), agent)
        assert result.passed is passes
    assert result.cases[0].failures == ("judged 0.60: Curt.",)


async def test_without_a_verdict_a_case_fails_and_says_why() -> None:
    result = await EvalRunner(judge("No idea.")).run(suite(KIND, HOURS), agent)
    kind, hours = result.cases
    assert not kind.passed
    assert "the judge gave no verdict" in kind.failures[0]
    assert hours.passed


async def test_a_case_may_have_another_greeting_model_and_agent() -> None:
    parrot = FakeLLM(replies=("Polly.",))
    cases = suite(
        EvalCase("greeting", ("hi",), first_message="Ahoy."),
        EvalCase("model", (EvalTurn("hi", "Polly."),), llm_provider=parrot),
        EvalCase("agent", (EvalTurn("hi", "Polly."),), agent=agent(llm=parrot)),
    )
    result = await EvalRunner(judge()).run(cases, agent)
    assert result.passed, result.to_dict()
    assert result.cases[0].transcript[0] == {"role": "agent", "text": "Ahoy."}


async def test_a_factory_may_be_of_any_kind() -> None:
    async def later() -> Agent:
        return agent()

    def by_case(case: EvalCase) -> Agent:
        assert case is HOURS
        return agent()

    for factory in (agent(), agent, later, by_case):
        assert (await EvalRunner(judge()).run(suite(HOURS), factory)).passed


@pytest.mark.parametrize("wrong", ["exits", "raises", "none", "cannot think"])
async def test_a_case_that_cannot_be_held_is_one_that_failed(wrong: str) -> None:
    def factory(case: EvalCase) -> Any:
        if case is HOURS:
            return agent()
        if wrong == "exits":
            raise SystemExit(3)
        if wrong == "raises":
            raise PatterConfigError("no table", fix="buy one")
        return None if wrong == "none" else agent(llm=None)

    result = await EvalRunner(judge()).run(suite(KIND, HOURS), factory)
    kind, hours = result.cases
    assert kind.failures[0].startswith("no conversation: ")
    assert hours.passed


async def test_after_the_agent_has_hung_up_there_are_no_answers() -> None:
    case = EvalCase("late", (EvalTurn("bye", "goodbye"), EvalTurn("are you there", "yes")))
    [late] = (await EvalRunner(judge()).run(suite(case), agent)).cases
    assert late.failures == ('turn 2 lacks "yes"; the answer was ""',)


async def test_two_runs_are_the_same_and_are_json() -> None:
    first, second = [
        (await EvalRunner(judge(verdict(1))).run(suite(HOURS, KIND), agent)).to_dict()
        for _ in range(2)
    ]
    assert first == second == json.loads(json.dumps(first))
    assert first["passed"] is True
    assert first["score"] == 1.0
    assert first["cases"][0]["tags"] == ["smoke"]
    assert first["cases"][0]["call_ms"] > 1_000


async def test_a_suite_without_cases_proves_nothing() -> None:
    assert not (await EvalRunner(judge()).run(suite(), agent)).passed
