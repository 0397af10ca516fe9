"""Scripts of calls: what a line means, what is refused, and what is told of each expectation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import Agent, tool
from patter.errors import InputError
from patter.observe.events import BargeIn, Turn
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply
from patter_testing.call_script import (
    ExpectHangup,
    ExpectJudged,
    ExpectSaid,
    ExpectTool,
    ExpectTransfer,
    HangsUp,
    Interrupts,
    Presses,
    Says,
    Waits,
    read_script,
)
from patter_testing.scripted_call import run_script

NUMBER = "+15550188000"


@tool(effect="read")
def opening_hours(day: str, people: int = 1) -> str:
    """When we are open."""
    return "five to eleven"


def mind(request: LLMRequest) -> Reply | str:
    last = request.messages[-1]
    if last.role == "tool":
        return "From five to eleven."
    calls = {
        "open": ("opening_hours", '{"day": "sunday", "people": 2}'),
        "person": ("transfer_call", json.dumps({"number": NUMBER})),
        "bye": ("end_call", "{}"),
    }
    for word, (name, arguments) in calls.items():
        if word in last.text:
            return Reply(text="Well.", tools=(ToolRequest("1", name, arguments),))
    return f"You said {last.text}"


def agent() -> Agent:
    return Agent(
        system_prompt="Be brief.",
        stt=FakeSTT(),
        llm=FakeLLM(answer=mind),
        tts=FakeTTS(),
        tools=(opening_hours,),
        first_message="Good evening.",
        transfer_allowed="*",
    )


def told(script: str, **fields: Any) -> list[str]:
    return [str(each) for each in run_script(read_script(script), agent(), **fields).results]


def test_every_kind_of_line_is_read() -> None:
    script = read_script(
        """
        # a comment
        caller: are you open
        dtmf: 12#
        wait: 1.5s
        wait: 250ms
        interrupt: no, on monday
        expect said "five 'til"
        expect said five
        expect tool opening_hours(day="sunday", people=2, open=true, at=null, not_=[1, "a"])
        expect tool opening_hours
        expect no tool
        expect judged "apologises"
        expect transfer
        expect transfer +15550188000
        expect hangup
        hangup
        """
    )
    arguments = {"day": "sunday", "people": 2, "open": True, "at": None, "not_": [1, "a"]}
    assert [step.line for step in script] == list(range(3, 18))
    assert [type(step) for step in script] == [
        *(Says, Presses, Waits, Waits, Interrupts),
        *(ExpectSaid, ExpectSaid, ExpectTool, ExpectTool, ExpectTool),
        *(ExpectJudged, ExpectTransfer, ExpectTransfer, ExpectHangup, HangsUp),
    ]
    assert [step.ms for step in script if isinstance(step, Waits)] == [1_500, 250]
    assert [step.words for step in script if isinstance(step, ExpectSaid)] == ["five 'til", "five"]
    assert [(s.tool, s.arguments) for s in script if isinstance(s, ExpectTool)] == [
        ("opening_hours", arguments),
        ("opening_hours", {}),
        ("", {}),
    ]


def test_who_interrupts_cuts_the_answer_before_and_hears_the_one_to_it() -> None:
    script = read_script(
        """
        caller: how is the weather in rome tomorrow
        interrupt: are you open on sunday
        expect tool opening_hours
        """
    )
    report = run_script(script, agent())
    assert report.ok
    assert [type(event) for event in report.events if isinstance(event, BargeIn)] == [BargeIn]


def test_a_script_may_be_lived_through_with_other_parts() -> None:
    script = read_script("caller: good evening")
    gaps = [
        next(event.gap_ms for event in report.events if isinstance(event, Turn))
        for report in (run_script(script, agent(), tts=FakeTTS(first_ms=ms)) for ms in (700, 900))
    ]
    assert gaps[1] == (gaps[0] or 0) + 200


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("agent: hello", "'agent: hello' is not a step"),
        ("caller:", "something is left out"),
        ("dtmf: 1x", "'1x' are not keys"),
        ("wait: soon", "not a valid time to wait"),
        ("wait: 0s", "not a valid time to wait"),
        ("wait: 2000m", "not a valid time to wait"),
        ("hangup now", "'now' is too much"),
        ("expect hangup now", "'now' is too much"),
        ("expect nothing", "is not a step"),
        ("expect said", "something is left out"),
        ('expect said "a', "a quote too few"),
        ('expect said ""', "something is left out"),
        ("expect tool f(", "not a tool call"),
        ("expect tool f(1)", "not a tool call"),
        ("expect tool a.b()", "not a tool call"),
        ("expect tool f(**x)", "arguments have names"),
        ("expect tool f(a=open())", "open() is not a valid value"),
    ],
)
def test_a_line_that_means_nothing_is_refused_by_its_number(line: str, wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        read_script(f"\n{line}\n")
    assert caught.value.message.startswith("line 2: ")
    assert wrong in caught.value.message
    assert caught.value.fix


@given(st.text(max_size=60))
def test_whatever_a_line_says_it_is_read_or_refused(line: str) -> None:
    for script in (line, f"expect tool {line}", f"expect said {line}", f"wait: {line}"):
        try:
            read_script(script)
        except InputError as refused:
            assert refused.message


def test_expectations_that_hold_are_told_as_they_were_written() -> None:
    script = """caller: are you open
expect tool opening_hours(day="sunday")
expect said "FIVE TO ELEVEN"
caller: thanks
expect no tool
dtmf: 4
dtmf: 2#
expect said "42#"
caller: bye
expect hangup"""
    report = run_script(read_script(script), agent())
    assert [str(each) for each in report.results] == [
        'ok    line 2  tool opening_hours(day="sunday")',
        'ok    line 3  said "FIVE TO ELEVEN"',
        "ok    line 5  no tool",
        'ok    line 8  said "42#"',
        "ok    line 10  hangup",
    ]
    assert report.ok
    assert str(report).startswith("5 ok   ")
    assert report.unexercised.tools == ()


def test_expectations_that_fail_say_what_was() -> None:
    script = """expect said "good morning"
caller: are you open
expect tool opening_hours(day="monday")
expect no tool
caller: thanks
expect said "five"
expect transfer
expect hangup"""
    assert told(script) == [
        'FAIL  line 1  expected said "good morning"; was said "Good evening."',
        'FAIL  line 3  expected tool opening_hours(day="monday");'
        " tools run were opening_hours(day='sunday', people=2)",
        "FAIL  line 4  expected no tool; tools run were opening_hours(day='sunday', people=2)",
        'FAIL  line 6  expected said "five"; was said "You said thanks"',
        "FAIL  line 7  expected transfer; transfers were none",
        "FAIL  line 8  expected hangup; the agent has not hung up",
    ]


def test_a_transfer_and_whatever_comes_after_the_call() -> None:
    script = f"caller: a person\nwait: 2s\nexpect transfer {NUMBER}\nexpect transfer +49\n"
    assert [each[:4] for each in told(script)] == ["ok  ", "FAIL"]
    assert told("caller: bye\nwait: 5s\ncaller: are you there\nhangup") == [
        "FAIL  line 3  expected caller: are you there; the call was over before"
    ]


def test_silence_is_broken_as_on_the_telephone() -> None:
    assert told("wait: 10s\nexpect said still there") == ["ok    line 2  said still there"]


def test_a_judge_is_asked_if_there_is_one() -> None:
    script = 'caller: hi\nexpect judged "is kind"'
    judge = FakeLLM(replies=('{"score": 0.2, "reasoning": "It is curt."}',))
    assert told(script, judge=judge) == [
        'FAIL  line 2  expected judged "is kind"; scored 0.2: It is curt.'
    ]
    assert "nobody judges" in told(script)[0]
