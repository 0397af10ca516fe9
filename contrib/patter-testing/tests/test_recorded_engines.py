"""A recorded call that an engine led lives again: it says what it said, and the rest is new."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry, tool
from patter.call.plan import CallPlan
from patter.errors import InputError, PatterConnectionError
from patter.observe.call_log import read_record, write_record
from patter.observe.events import CallEvent, Ended, EngineStep, Link, Note, Row, ToolRun
from patter.providers.llm import ToolRequest
from patter.text.guardrail import Guardrail
from patter.tools.tool import Tool
from patter_testing import FakeEngine, FakeLLM, FakeTTS, LabCall, lab, run_virtual
from patter_testing.fakes.engine import ABLE, FakeEngineSession
from patter_testing.fakes.engine_response import FakeResponse
from patter_testing.recorded.as_test import as_test
from patter_testing.recorded.engine_record import engine_script
from patter_testing.recorded.replay import Replay, Subject, replayed

OPEN = "We are open from five to eleven, every day but Monday, and on feasts."
ASKS = ToolRequest("t1", "book_table", '{"people": 2}')
OWN_WAY = attrs.evolve(ABLE, responds_on_request=False, interrupts_on_request=False)
NOTHING = PluginRegistry.from_environment({}, source=[])
BOOKED: list[int] = []


@tool(effect="once")
def book_table(people: int) -> str:
    """Book a table."""
    BOOKED.append(people)
    return f"R-{people}"


def reading(result: str) -> Tool:
    """The same as something that may be done again."""

    @tool(effect="read", name="book_table")
    def look(people: int) -> str:
        """Book a table."""
        return result

    return look


def engine(*replies: str | ToolRequest, **changes: Any) -> FakeEngine:
    said = replies or (OPEN, ASKS, "A table for two, reference R two.", "Goodbye.")
    return FakeEngine(replies=said, listens=True, first_ms=300, **changes)


def bistro(led_by: FakeEngine | None = None, **changes: Any) -> Agent:
    fields: dict[str, Any] = {
        "system_prompt": "Be brief.",
        "engine": led_by or engine(),
        "tools": (book_table,),
        "first_message": "Good evening, Rosa's. Our special tonight is mussels.",
    }
    return Agent(**{**fields, **changes})


Story = Callable[[LabCall], Awaitable[None]]


async def the_evening(call: LabCall) -> None:
    """The opening hours are interrupted, a table booked, keys are pressed."""
    await call.listens()
    await call.caller.says("what are your opening hours")
    await call.interrupts("book a table for two", after_ms=1_200)
    await call.caller.presses("12#")
    await call.caller.waits(3_000)
    await call.hangs_up()


def recorded(agent: Agent | None = None, story: Story = the_evening) -> list[CallEvent]:
    async def call_it() -> list[CallEvent]:
        async with lab(agent or bistro(), registry=NOTHING) as call:
            await story(call)
        return call.events

    return run_virtual(call_it())


@pytest.fixture(scope="module")
def record() -> Sequence[CallEvent]:
    return recorded()


def again(events: Sequence[CallEvent], agent: Agent) -> Replay:
    return replayed(events, Subject(agent, NOTHING))


def heard(events: Sequence[CallEvent]) -> list[tuple[str, str, bool | None]]:
    rows = [event for event in events if isinstance(event, Row)]
    return [(row.text, row.unheard, row.interrupted) for row in rows]


def found(replay: Replay) -> list[str]:
    return [str(each) for each in replay.differences if each.matters]


# --- the same


@pytest.mark.parametrize("can", [ABLE, OWN_WAY], ids=["asked", "its own way"])
def test_without_a_change_nothing_differs(can: Any) -> None:
    record = recorded(bistro(engine(can=can)))
    replay = replayed(record)
    assert (list(replay.differences), replay.differs, replay.turns) == ([], False, 3)
    assert heard(replay.events) == heard(record)
    assert replay.took_s < 5 < replay.lasted_ms / 1_000


def test_a_record_read_from_the_disk_is_the_same(
    record: Sequence[CallEvent], tmp_path: Path
) -> None:
    write_record(tmp_path / "call.jsonl", record)
    assert list(replayed(read_record(tmp_path)).differences) == []


def test_the_agent_of_then_does_the_same_and_nothing_twice(record: Sequence[CallEvent]) -> None:
    BOOKED.clear()
    replay = again(record, bistro(engine("Nobody asks me.")))
    assert (list(replay.differences), BOOKED) == ([], [])
    runs = [event for event in replay.events if isinstance(event, ToolRun) and event.result]
    assert [run.result for run in runs] == ["R-2"]


def test_a_barge_in_cuts_the_same_words(record: Sequence[CallEvent]) -> None:
    (old,) = [row for row in record if isinstance(row, Row) and row.interrupted]
    (new,) = [row for row in replayed(record).events if isinstance(row, Row) and row.interrupted]
    assert old.text and old.unheard
    assert (new.turn, new.text, new.unheard) == (old.turn, old.text, old.unheard)
    assert abs((new.heard_ms or 0) - (old.heard_ms or 0)) <= 40


def test_a_vendor_that_stops_by_itself_does_so_again() -> None:
    record = recorded(bistro(engine(can=OWN_WAY, ends_ms=6_000), barge_in_threshold_ms=4_000))
    verdicts = [s for s in record if isinstance(s, EngineStep) and "BargeIn" in s.input["name"]]
    replay = replayed(record)
    assert verdicts and list(replay.differences) == []
    assert heard(replay.events) == heard(record)


async def asks_twice(call: LabCall) -> None:
    await call.listens()
    await call.says("what are your opening hours")
    await call.says("thank you")


def test_an_engine_whose_words_another_voice_speaks() -> None:
    record = recorded(bistro(engine("From five to eleven.", "Bye."), tts=FakeTTS()), asks_twice)
    assert not engine_script(record).says
    replay = replayed(record)
    assert (list(replay.differences), heard(replay.events)) == ([], heard(record))
    assert list(again(record, bistro(tts=FakeTTS())).differences) == []


def test_words_a_tool_and_words_again_come_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = FakeEngineSession._finish

    def wants_a_tool(session: FakeEngineSession, response: FakeResponse) -> None:
        if response.text == "Let me see.":
            session._request_tool(response, ASKS)
        finish(session, response)

    monkeypatch.setattr(FakeEngineSession, "_finish", wants_a_tool)

    async def slow(call: LabCall) -> None:
        await call.caller.says("book a table for two")
        await call.caller.waits(6_000)
        await call.says("thank you")

    agent = bistro(engine("Let me see.", "It is booked.", "Bye."), first_message="")
    record = recorded(attrs.evolve(agent, tools=(slow_table,)), slow)
    (answer, _) = engine_script(record).answers
    said = [list(each.pieces) for each in answer.attempts[0].responses]
    assert [getattr(piece, "text", "") for pieces in said for piece in pieces] == [
        "Let me see.",
        "",
        "It is booked.",
    ]
    replay = replayed(record)
    assert (list(replay.differences), heard(replay.events)) == ([], heard(record))


@tool(effect="once", name="book_table")
async def slow_table(people: int) -> str:
    """Book a table."""
    await asyncio.sleep(2)
    return f"R-{people}"


def test_an_agent_that_hung_up_does_so_again() -> None:
    async def is_let_go(call: LabCall) -> None:
        await call.listens()
        await call.caller.says("that is all")
        await call.caller.hears_the_agent_hang_up()

    ends = ToolRequest("e1", "end_call", '{"reason": "done"}')
    record = recorded(bistro(engine(ends, "Goodbye then.")), is_let_go)
    replay = replayed(record)
    assert list(replay.differences) == []
    (ended,) = [event for event in replay.events if isinstance(event, Ended)]
    assert ended.reason == "done"


def test_words_that_a_guardrail_stopped_are_stopped_again() -> None:
    guard = Guardrail("secrets", ("secret",), None, "I cannot tell.")
    agent = bistro(engine("We open at five. The secret is soup.", "Bye."), guardrails=(guard,))
    record = recorded(agent, asks_twice)
    replay = replayed(record)
    assert (list(replay.differences), heard(replay.events)) == ([], heard(record))
    notes = [event.text for event in replay.events if isinstance(event, Note)]
    assert "secrets" in notes


# --- lost


async def lost_while_nobody_speaks(call: LabCall) -> None:
    await call.listens()
    await call.says("what are your opening hours")
    assert call.engine is not None
    call.engine.sessions[-1].fail()
    await call.caller.waits(1_000)
    await call.says("thank you")


async def lost_before_an_answer_is_heard(call: LabCall) -> None:
    await call.listens()
    await call.caller.says("what are your opening hours")
    assert call.engine is not None
    call.engine.sessions[-1].fail()
    await call.listens()
    await call.says("thank you")


async def lost_in_mid_answer(call: LabCall) -> None:
    await call.listens()
    assert call.engine is not None
    object.__setattr__(call.engine, "fails_at_ms", 900.0)
    await call.caller.says("what are your opening hours")
    await call.caller.waits(500)
    object.__setattr__(call.engine, "fails_at_ms", None)
    await call.listens()
    await call.caller.waits(6_000)
    await call.says("thank you")


async def lost_for_good(call: LabCall) -> None:
    await call.listens()
    await call.says("what are your opening hours")
    assert call.engine is not None
    gone = PatterConnectionError("gone", fix="wait")
    object.__setattr__(call.engine, "refuses", gone)
    call.engine.sessions[-1].fail()
    await call.caller.waits(30_000)


@pytest.mark.parametrize(
    "story",
    [
        lost_while_nobody_speaks,
        lost_before_an_answer_is_heard,
        lost_in_mid_answer,
        lost_for_good,
    ],
)
def test_a_call_whose_engine_was_lost_loses_it_at_the_same_place(story: Story) -> None:
    record = recorded(bistro(engine(OPEN, "Once more: from five.", "Bye.")), story)
    replay = replayed(record)
    assert found(replay) == []
    assert heard(replay.events) == heard(record)
    was, now = (
        [link.what for link in events if isinstance(link, Link) and link.what != "lost"]
        for events in (record, replay.events)
    )
    assert was == now
    reasons = [event.reason for event in (*record, *replay.events) if isinstance(event, Ended)]
    assert len(reasons) == 2 and len(set(reasons)) == 1


def test_a_record_that_breaks_off_is_replayed_as_far_as_it_goes(
    record: Sequence[CallEvent],
) -> None:
    answered = next(
        at for at, each in enumerate(record) if isinstance(each, Row) and "reference" in each.text
    )
    killed = Ended(outcome="unknown", reason="record_unfinished")
    replay = replayed([*record[:answered], killed])
    assert (list(replay.differences), replay.turns) == ([], 2)
    assert replay.lasted_ms <= record[answered].at_ms + 100


# --- another


def test_another_result_of_a_tool_names_its_turn(record: Sequence[CallEvent]) -> None:
    read = recorded(bistro(tools=(reading("R-2"),)))
    replay = again(read, bistro(tools=(reading("R-9"),)))
    result, note = replay.differences
    assert (result.turn, result.what, replay.differs) == (2, "result", True)
    assert str(result) == (
        "turn 2  DIFFERS  book_table(people=2): 'R-2' -> book_table(people=2): 'R-9'"
    )
    assert not note.matters
    assert str(note).startswith("turn 2  note     from here on the engine says what it said")
    assert note.value()["what"] == "engine"


def test_a_tool_that_is_gone_names_its_turn(record: Sequence[CallEvent]) -> None:
    replay = again(record, bistro(tools=()))
    assert found(replay) == ["turn 2  DIFFERS  book_table(people=2) -> no tool"]


def test_another_guardrail_names_its_turn(record: Sequence[CallEvent]) -> None:
    guard = Guardrail("references", ("reference",), None, "I cannot tell.")
    replay = again(record, bistro(guardrails=(guard,)))
    assert replay.differs
    assert {each.turn for each in replay.differences} == {2}
    assert "I cannot tell." in str(replay.differences[0])


def test_another_greeting_is_said_as_it_is_written(record: Sequence[CallEvent]) -> None:
    replay = again(record, bistro(first_message="Hello, this is Rosa's place speaking to you."))
    (greeting,) = replay.differences
    assert (greeting.turn, greeting.what) == (0, "words")
    same = again(
        record, bistro(first_message="Good evening, Rosa's! Our special tonight is mussels")
    )
    assert not same.differs


def test_another_setting_that_stops_the_agent_later_names_its_turn(
    record: Sequence[CallEvent],
) -> None:
    replay = again(record, bistro(barge_in_threshold_ms=900))
    (cut,) = replay.differences
    assert (cut.turn, cut.what) == (1, "cut")
    assert str(cut).startswith('turn 1  DIFFERS  cut after "We are open')


@attrs.frozen
class Hurried:
    """An agent that takes keys for complete sooner."""

    agent: Agent

    def plan(self, registry: PluginRegistry) -> CallPlan:
        plan = self.agent.plan(registry)
        return attrs.evolve(plan, rules=attrs.evolve(plan.rules, digit_gap_ms=100))


def test_where_a_turn_is_another_the_engines_words_end_in_one_line() -> None:
    async def presses(call: LabCall) -> None:
        await call.listens()
        await call.says("what are your opening hours")
        await call.caller.presses("12")
        await call.listens()
        await call.says("thank you")

    record = recorded(bistro(engine("From five.", "Twelve it is.", "Bye.")), presses)
    replay = replayed(record, Subject(Hurried(bistro()), NOTHING))
    assert [str(each) for each in replay.differences] == [
        'turn 2  DIFFERS  "[DTMF: 12]" -> "[DTMF: 1]"',
        "turn 2  ENDS     the engine was not asked here in the recorded call: what it\n"
        "                 would say is not known",
    ]
    assert "Twelve" not in str(heard(replay.events))


def test_an_answer_that_nobody_heard_is_not_made_up() -> None:
    async def goes_on(call: LabCall) -> None:
        await call.listens()
        await call.caller.presses("1#")
        await call.caller.presses("2#")
        await call.listens()
        await call.says("thank you")

    record = recorded(bistro(engine("One it is.", "Two it is.", "Bye.", open_ms=100)), goes_on)
    assert [row.text for row in record if isinstance(row, Row) and row.role == "agent"][1:] == [
        "Two it is.",
        "Bye.",
    ]
    assert list(replayed(record).differences) == []
    uninterruptible = [
        each
        for each in record
        if not (isinstance(each, EngineStep) and each.input.get("fields", {}).get("digit") == "2")
    ]
    assert found(replayed(uninterruptible))[-1].startswith("turn 1  ENDS     the record has no")


def test_an_agent_without_an_engine_is_refused(record: Sequence[CallEvent]) -> None:
    pipeline = Agent(system_prompt="", llm=FakeLLM(), vad="none")
    with pytest.raises(InputError, match="was led by an engine") as refused:
        replayed(record, Subject(Piped(pipeline), NOTHING))
    assert refused.value.fix


@attrs.frozen
class Piped:
    """An agent whose plan has no engine, whatever is put in the place of one."""

    agent: Agent

    def plan(self, registry: PluginRegistry) -> Any:
        return attrs.evolve(
            attrs.evolve(self.agent, engine=FakeEngine(), llm=None).plan(registry), engine=None
        )


# --- as a test


def passes(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* under plain pytest, in a process of its own."""
    (folder / "test_call.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_call.py"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_its_test_passes_under_plain_pytest(record: Sequence[CallEvent], tmp_path: Path) -> None:
    code = as_test(record)
    done = passes(tmp_path, code)
    assert done.returncode == 0, done.stdout
    assert "call.expect_tool('book_table', people=2)" in code
    assert "call.expect_said('A table for two, reference R two.')" in code
    assert "await call.interrupts('book a table for two'" in code
    assert "FakeLLM" not in code


def test_the_test_of_an_own_voice_passes_too(tmp_path: Path) -> None:
    record = recorded(bistro(engine("From five to eleven.", "Bye."), tts=FakeTTS()), asks_twice)
    done = passes(tmp_path, as_test(record))
    assert done.returncode == 0, done.stdout


def test_its_test_fails_when_the_agent_changed(record: Sequence[CallEvent], tmp_path: Path) -> None:
    source = (
        "from patter import Agent, tool\n"
        "@tool\n"
        "def book_table(people: int) -> str:\n"
        "    return 'R'\n"
        "agent = Agent(system_prompt='', provider='openai_realtime', voice='alloy',\n"
        "              tools=(book_table,), first_message='Good evening.')\n"
    )
    (tmp_path / "bistro.py").write_text(source)
    code = as_test(record, "bistro:agent")
    done = passes(tmp_path, code)
    assert done.returncode == 0, done.stdout
    (tmp_path / "bistro.py").write_text(source.replace("tools=(book_table,),", "tools=(),"))
    done = passes(tmp_path, code)
    assert done.returncode == 1 and "no run of book_table" in done.stdout
