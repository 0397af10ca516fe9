"""A recorded call lives again: the same when nothing changed, and what changed is named."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry, tool
from patter.errors import InputError, PatterConnectionError
from patter.observe.call_log import read_record, write_record
from patter.observe.codec import decode_line, encode_line
from patter.observe.events import CallEvent, Ended, Row, Started, ToolRun, Turn
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeLLM, Reply, lab, run_virtual
from patter_testing.recorded.as_test import as_test
from patter_testing.recorded.differences import differences
from patter_testing.recorded.off_loop import OffLoop, OffLoopLLM
from patter_testing.recorded.replay import Subject, recorded_llm, replayed
from patter_testing.recorded.script import Act, Deed, script_of

ASKS = Reply(tools=(ToolRequest("t1", "book_table", '{"people": 2}'),), first_ms=200)
BOOKED: list[int] = []


@tool(effect="once")
def book_table(people: int) -> str:
    """Book a table."""
    BOOKED.append(people)
    return f"R-{people}"


def bistro(*replies: Reply | str, **changes: Any) -> Agent:
    """An agent that is asked three times."""
    answers = replies or (
        Reply(text="We are open from five to eleven.", first_ms=300),
        ASKS,
        "A table for two, reference R two.",
        "Goodbye.",
    )
    agent = Agent(
        system_prompt="Be brief.",
        llm=FakeLLM(replies=answers),
        vad="none",
        tools=(book_table,),
        first_message="Good evening, Rosa's. Our special tonight is mussels.",
    )
    return attrs.evolve(agent, **changes)


def recorded(agent: Agent | None = None) -> list[CallEvent]:
    """A call: the greeting is interrupted, a table booked, keys are pressed."""

    async def call_it() -> list[CallEvent]:
        async with lab(agent or bistro()) as call:
            await call.interrupts("what are your opening hours", after_ms=900)
            await call.says("book a table for two")
            await call.caller.presses("12#")
            await call.caller.waits(3_000)
            await call.hangs_up()
        return call.events

    return run_virtual(call_it())


@pytest.fixture(scope="module")
def record() -> Sequence[CallEvent]:
    return recorded()


def bare(agent: Agent) -> Subject:
    return Subject(agent, PluginRegistry.from_environment({}, source=[]))


# --- what the caller did


def test_a_caller_answers_the_agent_and_not_the_clock(record: Sequence[CallEvent]) -> None:
    interrupts, books, *keys, hangs_up = script_of(record)
    assert (interrupts.during, interrupts.delay_ms) == (True, 900)
    assert [cue.text for cue in books.cues if cue.deed is Deed.WORDS] == ["book a table for two"]
    assert (books.during, books.utterances, books.delay_ms) == (False, 2, 600)
    assert [key.cues[0].text for key in keys] == ["1", "2", "#"]
    assert hangs_up.cues[0].deed is Deed.HANG_UP


def test_hanging_up_is_the_callers_only_if_it_was(record: Sequence[CallEvent]) -> None:
    agent_did = [*record[:-1], Ended(outcome="completed", reason="end_call")]
    assert [act for act in script_of(agent_did) if act.cues[0].deed is Deed.HANG_UP] == []
    assert len(script_of(agent_did)) == len(script_of(record)) - 1


def test_keys_and_an_end_in_mid_sentence_come_in_mid_sentence() -> None:
    async def call_it() -> list[CallEvent]:
        async with lab(bistro()) as call:
            await call.caller.hears_the_agent_begin()
            await call.caller.waits(500)
            await call.caller.presses("1#")
            await call.caller.hears_the_agent_begin()
            await call.caller.waits(900)
            await call.hangs_up()
        return call.events

    record = run_virtual(call_it())
    one, _, hangs_up = script_of(record)
    assert one.during and hangs_up.during
    replay = replayed(record)
    assert list(replay.differences) == []
    assert abs(replay.lasted_ms - record[-1].at_ms) <= 100


def test_who_interrupted_a_question_waits_for_it() -> None:
    async def call_it() -> list[CallEvent]:
        async with lab(bistro("Yes.", idle_ms=(3_000, 9_000))) as call:
            await call.listens()
            await call.interrupts("i am here", after_ms=300)
        return call.events

    record = run_virtual(call_it())
    replay = replayed(record)
    assert list(replay.differences) == []
    asked = [row.kind for row in replay.events if isinstance(row, Row) and row.interrupted]
    assert asked == ["reprompt"]


def test_secret_keys_are_replayed_as_other_keys(record: Sequence[CallEvent]) -> None:
    def hidden(event: CallEvent) -> CallEvent:
        return decode_line(encode_line(event).replace(b'"digit":"1"', b'"digit":"x"'))

    acts: list[Act] = script_of([hidden(event) for event in record])
    assert [act.cues[0].text for act in acts if act.cues[0].deed is Deed.KEY] == ["0", "2", "#"]


# --- replaying


def test_without_a_change_nothing_differs(record: Sequence[CallEvent]) -> None:
    replay = replayed(record)
    assert (list(replay.differences), replay.differs, replay.turns) == ([], False, 3)
    old, new = (
        [row.text for row in events if isinstance(row, Row)] for events in (record, replay.events)
    )
    assert old == new
    assert replay.took_s < 5 < replay.lasted_ms / 1_000


def test_a_record_read_from_the_disk_is_the_same(
    record: Sequence[CallEvent], tmp_path: Path
) -> None:
    write_record(tmp_path / "call.jsonl", record)
    assert list(replayed(read_record(tmp_path)).differences) == []


def test_the_agent_of_then_does_the_same_and_nothing_twice(record: Sequence[CallEvent]) -> None:
    BOOKED.clear()
    replay = replayed(record, bare(bistro()))
    assert (list(replay.differences), BOOKED) == ([], [])
    runs = [event for event in replay.events if isinstance(event, ToolRun) and event.result]
    assert [run.result for run in runs] == ["R-2"]


def test_another_answer_names_its_turn(record: Sequence[CallEvent]) -> None:
    agent = bistro("We are closed.", ASKS, "A table for two, reference R two.", "Goodbye.")
    replay = replayed(record, bare(agent))
    assert replay.differs
    assert [(each.turn, each.what) for each in replay.differences if each.matters] == [(1, "words")]
    assert str(replay.differences[0]) == (
        'turn 1  DIFFERS  "We are open from five to eleven." -> "We are closed."'
    )


def test_another_deed_names_its_turn_and_is_not_done(record: Sequence[CallEvent]) -> None:
    BOOKED.clear()
    three = Reply(tools=(ToolRequest("t1", "book_table", '{"people": 3}'),))
    said = "A table for two, reference R two."
    agent = bistro("We are open from five to eleven.", three, said, "Goodbye.")
    (deed,) = [each for each in replayed(record, bare(agent)).differences if each.matters]
    assert str(deed) == "turn 2  DIFFERS  book_table(people=2) -> book_table(people=3)"
    assert BOOKED == []


def test_another_pace_is_told_and_does_not_matter(record: Sequence[CallEvent]) -> None:
    slow = bistro(
        Reply(text="We are open from five to eleven.", first_ms=1_400),
        ASKS,
        "A table for two, reference R two.",
        "Goodbye.",
    )
    replay = replayed(record, bare(slow))
    assert not replay.differs
    (pace,) = replay.differences
    assert pace.turn == 1 and str(pace).startswith("turn 1  slower   latency 1000 -> ")
    assert "llm 300 -> 1400" in str(pace)


def test_rules_that_split_a_turn_are_a_difference(record: Sequence[CallEvent]) -> None:
    async def hesitates() -> list[CallEvent]:
        async with lab(bistro("Fine.", speak_after_ms=0, silence_ms=1_200)) as call:
            await call.listens()
            await call.caller.says("book a table")
            await call.says("for two")
        return call.events

    old = run_virtual(hesitates())
    changed = bistro("Fine.", speak_after_ms=0, silence_ms=300, name="agent")
    assert not replayed(old).differs
    caller = [each for each in replayed(old, bare(changed)).differences if each.what == "caller"]
    assert caller and '"book a table for two"' in str(caller[0])


def test_the_recorded_model_answers_for_an_agent_offline(record: Sequence[CallEvent]) -> None:
    agent = bistro(llm=recorded_llm(record), system_prompt="Another.")
    assert not replayed(record, bare(agent)).differs


def test_a_model_that_needs_real_time_and_sockets_is_asked_on_a_loop_of_its_own(
    record: Sequence[CallEvent],
) -> None:
    @attrs.frozen
    class Real:
        """Answers over a real socket, a bit later."""

        scripted: FakeLLM = attrs.field(factory=lambda: FakeLLM(answer=recorded_llm(record).answer))

        async def stream(self, request: LLMRequest):  # type: ignore[no-untyped-def]
            server = await asyncio.start_server(lambda _, far: far.close(), "127.0.0.1", 0)
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
            async for chunk in self.scripted.stream(request):
                yield chunk

    replay = replayed(record, bare(bistro(llm=Real())))
    assert not replay.differs


@pytest.mark.virtual_time
async def test_a_model_that_never_answers_is_given_up() -> None:
    class Silent:
        async def stream(self, request: LLMRequest):  # type: ignore[no-untyped-def]
            await asyncio.sleep(60)
            yield None

    with OffLoop(limit_s=0.2) as off, pytest.raises(TimeoutError, match="no answer within"):
        async for _ in OffLoopLLM(Silent(), off).stream(None):  # type: ignore[arg-type]
            pytest.fail("it answered")


@pytest.mark.virtual_time
async def test_what_a_real_model_raises_is_raised() -> None:
    broken = FakeLLM(replies=(Reply(fails=PatterConnectionError("gone", fix="wait")),))
    request = LLMRequest(messages=(), call=CallContext(call_id="x"))
    with OffLoop() as off, pytest.raises(PatterConnectionError, match="gone"):
        async for _ in OffLoopLLM(broken, off).stream(request):
            pass


@pytest.mark.parametrize(
    "events",
    [
        [],
        [Started(), Ended(outcome="busy")],
        [Started(providers={"engine": "openai"}), Ended(outcome="no_answer")],
    ],
)
def test_a_call_without_a_conversation_is_refused_with_its_fix(events: list[CallEvent]) -> None:
    with pytest.raises(InputError) as refused:
        replayed(events)
    assert refused.value.fix


# --- comparing


def turn(number: int, caller: str, agent: str, **more: object) -> list[CallEvent]:
    rows: list[CallEvent] = [Row(role="caller", text=caller, turn=number)]
    return [*rows, Row(role="agent", text=agent, turn=number, epoch=number, **more)]  # type: ignore[arg-type]


def test_of_what_was_cut_off_only_what_was_made_is_compared() -> None:
    old = turn(1, "hi", "We are", unheard="open from", interrupted=True)
    assert (
        differences(old, turn(1, "hi", "We are open", unheard="from five", interrupted=True)) == []
    )
    assert differences(old, turn(1, "hi", "We are closed")) != []


def test_turns_after_one_that_is_missing_are_still_compared_with_their_own() -> None:
    old = [*turn(1, "a", "A"), *turn(2, "b", "B"), *turn(3, "c", "C")]
    new = [*turn(1, "a", "A"), *turn(2, "c", "C")]
    (missing,) = differences(old, new)
    assert (missing.turn, str(missing)) == (2, 'turn 2  DIFFERS  "b" -> nothing')


def test_a_line_is_never_longer_than_a_terminal() -> None:
    old = [*turn(1, "a", "word " * 80), Turn(turn=1, gap_ms=800, stages={"llm": 500, "end": 300})]
    new = [*turn(1, "a", "other " * 80), Turn(turn=1, gap_ms=300, stages={"llm": 200, "end": 100})]
    lines = [line for each in differences(old, new) for line in str(each).splitlines()]
    assert max(map(len, lines)) <= 80
    assert "latency 800 -> 300 (endpointing 300 -> 100, llm 500 -> 200)" in lines[-1]


# --- as a test


def passes(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* under plain pytest, in a process of its own."""
    (folder / "test_call.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_call.py"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_test_of_a_lab_call_passes_under_plain_pytest(
    record: Sequence[CallEvent], tmp_path: Path
) -> None:
    code = as_test(record)
    done = passes(tmp_path, code)
    assert done.returncode == 0, done.stdout
    assert "call.expect_tool('book_table', people=2)" in code
    assert "call.expect_said('A table for two, reference R two.')" in code
    assert "await call.caller.presses('12#')" in code


def test_the_test_of_a_call_fails_when_its_agent_changed(
    record: Sequence[CallEvent], tmp_path: Path
) -> None:
    (tmp_path / "bistro.py").write_text(
        "from patter import Agent, tool\n"
        "@tool\n"
        "def book_table(people: int) -> str:\n"
        "    return 'R'\n"
        "agent = Agent(system_prompt='', vad='none', llm='openai/x', tools=(book_table,),\n"
        "              first_message='Good evening.')\n"
    )
    code = as_test(record, "bistro:agent")
    assert passes(tmp_path, code).returncode == 0
    source = (tmp_path / "bistro.py").read_text()
    (tmp_path / "bistro.py").write_text(source.replace("tools=(book_table,),", "tools=(),"))
    done = passes(tmp_path, code)
    assert done.returncode == 1 and "no run of book_table" in done.stdout


def test_words_of_a_caller_are_never_code(tmp_path: Path) -> None:
    nasty = 'x"""\n\'); import os; os._exit(3)  # {}'
    code = as_test(
        [
            Started(call='c"""', agent=nasty),
            Row(call='c"""', role="agent", kind="greeting", text=nasty, turn=0),
            Row(call="c", role="caller", text=nasty, turn=1),
        ]
    )
    compile(code, "test_call.py", "exec")
    assert passes(tmp_path, code).returncode != 3


def test_a_call_without_words_is_no_test() -> None:
    with pytest.raises(InputError, match="nothing was said"):
        as_test([Started(), Ended(outcome="busy")])
    with pytest.raises(InputError, match="not module:name"):
        as_test(turn(1, "hi", "Hello."), "bistro")
