"""``patter calls replay``: what a call would be today."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import pytest

from patter import Agent, tool
from patter.observe.call_log import read_record
from patter.observe.events import CallEvent
from patter.providers.llm import ToolRequest
from patter.testing import FakeEngine, FakeLLM, FakeTTS, lab, run_virtual

from .conftest import CallShelf, conversation

BISTRO = """
from patter import Patter
from patter.testing import FakeLLM

phone = Patter(carrier="twilio", phone_number="+15550001234", tunnel=True, persist=False)
agent = phone.agent(
    "Be brief.", stt="deepgram/nova-3", tts="elevenlabs", vad="none",
    llm=FakeLLM(replies=({answer!r},)), first_message="Good evening.",
)
"""


def talked_to(agent: Agent) -> list[CallEvent]:
    """The events of a short call with *agent*."""

    async def call_it() -> list[CallEvent]:
        async with lab(agent) as call:
            await call.listens()
            await call.says("are you open")
            await call.hangs_up()
        return call.events

    return run_virtual(call_it())


def recorded() -> list[CallEvent]:
    agent = Agent(
        system_prompt="",
        llm=FakeLLM(replies=("We are open.",)),
        vad="none",
        first_message="Good evening.",
    )
    return talked_to(agent)


@pytest.fixture
def talked(kept: CallShelf, monkeypatch: pytest.MonkeyPatch) -> CallShelf:
    """A root with one call, in a directory with an agent that may have changed since."""
    kept.keep("7f3a91", recorded())
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "the_bistro", raising=False)
    return kept


def agent_says(answer: str) -> str:
    Path("the_bistro.py").write_text(BISTRO.format(answer=answer))
    return "the_bistro:agent"


def test_the_last_call_is_the_same_and_that_is_a_yes(talked: CallShelf) -> None:
    status, out, _ = talked.calls("replay", "last")
    first, second = out.splitlines()
    assert status == 0 and second == "same: 1 turns"
    assert " s in " in first


def test_an_agent_that_answers_otherwise_is_a_no_that_names_the_turn(talked: CallShelf) -> None:
    status, out, err = talked.calls("replay", "7f3a", agent_says("We are closed."))
    assert status == 1, err
    assert 'turn 1  DIFFERS  "We are open." -> "We are closed."' in out


def test_offline_its_model_says_what_was_said_then(talked: CallShelf) -> None:
    status, out, _ = talked.calls("replay", "7f3a", agent_says("We are closed."), "--offline")
    assert (status, out.splitlines()[1]) == (0, "same: 1 turns")


def test_json_has_each_difference(talked: CallShelf) -> None:
    target = agent_says("We are closed.")
    value = json.loads(talked.calls("replay", "7f3a", target, "--json")[1])
    assert value["differs"] and value["turns"] == 1
    assert value["differences"] == [
        {"turn": 1, "what": "words", "old": '"We are open."', "new": '"We are closed."'}
    ]


def test_the_new_call_can_be_kept(talked: CallShelf) -> None:
    _, _, err = talked.calls("replay", "last", "--out", "again")
    assert "wrote again/7f3a91.jsonl" in err
    assert read_record(Path("again/7f3a91.jsonl"))[0].call == "replay"
    assert Path("again/7f3a91.jsonl").stat().st_mode & 0o077 == 0


def test_what_cannot_be_replayed_has_its_fix(talked: CallShelf) -> None:
    talked.keep("old", conversation())
    status, _, err = talked.calls("replay", "old")
    assert status == 2 and "no conversation" in err
    status, _, err = talked.calls("replay", "7f3a", "--offline")
    assert status == 2 and "name one" in err
    agent_says("x")
    status, _, err = talked.calls("replay", "7f3a", "the_bistro:phone")
    assert status == 3 and "the_bistro:phone is a Patter, not an agent" in err


def test_the_exported_test_passes_under_pytest(talked: CallShelf) -> None:
    assert talked.calls("export", "last", "--format", "test")[0] == 0
    path = Path("test_call_7f3a91.py")
    assert "call.expect_said('We are open.')" in path.read_text()
    assert pytest.main(["-q", "-p", "no:cacheprovider", str(path)]) == 0


# --- calls that an engine led

LED = """
from patter import Patter, tool

phone = Patter(carrier="twilio", phone_number="+15550001234", tunnel=True, persist=False)

@tool(effect="read")
def look_up(day: str) -> str:
    "When we are open."
    return {result!r}

agent = phone.agent("Be brief.", {led_by}, tools=[look_up], first_message="Good evening.")
"""
ENGINES = {
    "engine": 'engine="openai/gpt-realtime", voice="marin"',
    "provider": 'provider="openai_realtime", realtime_turn_detection={"type": "semantic_vad"}',
    "another": 'engine="nobody/has-this"',
}
VOICED = 'engine="nobody/has-this", tts="nobody/has-this/either"'


def led(led_by: str, result: str) -> str:
    parts = ENGINES.get(led_by, led_by)
    Path("the_bistro.py").write_text(LED.format(led_by=parts, result=result))
    return "the_bistro:agent"


@pytest.fixture
def was_led(talked: CallShelf) -> CallShelf:
    """The same place with a call of an engine, which asked for a tool."""

    @tool(effect="read")
    def look_up(day: str) -> str:
        """When we are open."""
        return "five to eleven"

    asks = ToolRequest("t1", "look_up", '{"day": "Monday"}')
    agent = Agent(
        system_prompt="",
        engine=FakeEngine(replies=(asks, "From five to eleven."), listens=True, first_ms=300),
        first_message="Good evening.",
        tools=(look_up,),
    )
    talked.keep("8e4b02", talked_to(agent))
    talked.keep("9f5c03", talked_to(attrs.evolve(agent, tts=FakeTTS())))
    return talked


def test_a_call_of_an_engine_is_the_same(was_led: CallShelf) -> None:
    status, out, err = was_led.calls("replay", "8e4b")
    assert (status, out.splitlines()[1:]) == (0, ["same: 1 turns"]), err


@pytest.mark.parametrize("led_by", ENGINES)
def test_its_agent_needs_neither_key_nor_package_of_the_engine(
    was_led: CallShelf, led_by: str
) -> None:
    status, out, err = was_led.calls("replay", "8e4b", led(led_by, "five to eleven"))
    assert (status, out.splitlines()[1:]) == (0, ["same: 1 turns"]), err


def test_nor_those_of_the_voice_that_spoke_for_it(was_led: CallShelf) -> None:
    status, out, err = was_led.calls("replay", "9f5c", led(VOICED, "five to eleven"))
    assert status == 0 and "DIFFERS" not in out, err


def test_another_result_of_its_tool_is_a_no_that_names_the_turn(was_led: CallShelf) -> None:
    status, out, _ = was_led.calls("replay", "8e4b", led("engine", "closed"), "--offline")
    assert status == 1
    assert out.splitlines()[1].startswith("turn 1  DIFFERS  look_up(day='Monday'): 'five to")
    value = json.loads(was_led.calls("replay", "8e4b", "the_bistro:agent", "--json")[1])
    assert [each["what"] for each in value["differences"]] == ["result", "engine"]


def test_no_model_replaces_an_engine(was_led: CallShelf) -> None:
    target = led("engine", "closed")
    status, _, err = was_led.calls("replay", "8e4b", target, "--llm", "openai/gpt-4o-mini")
    assert status == 2 and "leave out --llm" in err


def test_a_pipeline_does_not_have_the_call_of_an_engine(was_led: CallShelf) -> None:
    status, _, err = was_led.calls("replay", "8e4b", agent_says("We are open."))
    assert status != 0 and "engine" in err


def test_the_exported_test_of_an_engine_passes_under_pytest(was_led: CallShelf) -> None:
    assert was_led.calls("export", "8e4b", "--format", "test")[0] == 0
    path = Path("test_call_8e4b02.py")
    assert "call.expect_tool('look_up', day='Monday')" in path.read_text()
    assert pytest.main(["-q", "-p", "no:cacheprovider", str(path)]) == 0
