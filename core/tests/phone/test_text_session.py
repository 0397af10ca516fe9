"""`Patter.test`: a whole call at the terminal, with the agent's own model, tools and callbacks."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from patter import Agent, Patter, PipelineHooks, tool
from patter.call.control import CallControl
from patter.errors import AgentError, PatterTypeError
from patter.observe.summary import CallSummary
from patter.phone.callbacks import Callbacks
from patter.phone.terminal import Terminal
from patter.phone.text_session import TestSession
from patter.phone.text_session_lines import JsonLines, TestLines
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeEngine, FakeGuardrail, FakeLLM, FakeSTT, FakeTTS, Reply

from .phones import bare, phone_of


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
    if "person" in last.text:
        number = '{"number": "+15550188000"}'
        return Reply(text="One moment.", tools=(ToolRequest("2", "transfer_call", number),))
    if "bye" in last.text:
        return Reply(text="Goodbye.", tools=(ToolRequest("3", "end_call", "{}"),))
    return f"I heard {last.text}."


def agent_of(phone: Patter | None = None, **fields: Any) -> Agent:
    parts: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(answer=mind), "tts": FakeTTS()}
    parts |= {"tools": [opening_hours], "first_message": "Hello, {place}."}
    parts["variables"] = {"place": "Rosa's"}
    return (phone or phone_of()).agent("You are at {place}.", **(parts | fields))


@attrs.define
class Talk:
    """What was printed, and how the call went."""

    printed: str
    summary: CallSummary

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.printed.splitlines()]


async def talk(
    typed: str, agent: Agent | None = None, *, lines: TestLines | None = None, **fields: Any
) -> Talk:
    """Type *typed*, a line a turn."""
    names = {"on_call_start", "on_call_end"}
    callbacks = Callbacks(**{name: fields.pop(name) for name in names & set(fields)})
    sink = io.StringIO()
    session = TestSession(
        agent=agent or agent_of(),
        registry=bare(),
        callbacks=callbacks,
        terminal=Terminal(io.StringIO(typed), sink),
        lines=lines or TestLines(),
        **fields,
    )
    summary = await session.run()
    return Talk(sink.getvalue(), summary)


async def test_a_conversation_is_printed_with_its_tools() -> None:
    done = await talk("are you open\nthanks\n")
    assert [line[:60] for line in done.lines] == [
        "text only; a line is a turn; /hangup /transfer N /dtmf 5 /history /quit"[:60],
        "agent    Hello, Rosa's.",
        "you      are you open",
        'tool     opening_hours(day="sunday") read -> "five to eleven"'[:60],
        "agent    From five to eleven.",
        "you      thanks",
        "agent    I heard thanks.",
        "ended: caller  2 turns  cost unknown",
    ]


async def test_the_call_is_one_and_says_that_it_is_a_test() -> None:
    data: list[dict[str, Any]] = []
    await talk("hi\n", on_call_start=data.append, on_call_end=data.append)
    start, end = data
    assert start["direction"] == "test"
    assert (start["caller"], start["callee"]) == ("+15550000001", "+15550000002")
    prefix, digits = start["call_id"].split("_")
    assert prefix == "test"
    assert len(digits) == 12
    int(digits, 16)
    assert end["call_id"] == start["call_id"]
    assert end["transcript"] == [
        {"role": "assistant", "text": "Hello, Rosa's."},
        {"role": "user", "text": "hi"},
        {"role": "assistant", "text": "I heard hi."},
    ]
    assert [row["text"] for row in end["history"]] == [row["text"] for row in end["transcript"]]
    assert end["outcome"] == "completed"
    assert len(end["metrics"].turns) == 1


async def test_what_on_call_start_returns_holds_for_the_call() -> None:
    async def other(_: dict[str, Any]) -> dict[str, Any]:
        model = FakeLLM(replies=("Another mind.",))
        return {"variables": {"place": "Tim's"}, "llm": model, "voice": "deep"}

    done = await talk("hi\n", on_call_start=other)
    assert "agent    Hello, Tim's." in done.lines
    assert "agent    Another mind." in done.lines


async def test_hooks_and_guardrails_stand_before_what_is_printed() -> None:
    def shouted(text: str, _: object) -> str:
        return text.upper()

    strict = FakeGuardrail(blocked=("lawsuit",))
    agent = agent_of(hooks=PipelineHooks(before_synthesize=shouted), guardrails=[strict])
    done = await talk("good day\nlawsuit\n", agent)
    assert "agent    I HEARD GOOD DAY." in done.lines
    assert not any("LAWSUIT" in line for line in done.lines)


async def test_a_function_may_answer_in_pieces_and_act_on_the_call() -> None:
    async def brain(message: dict[str, Any], call: CallControl) -> AsyncIterator[str]:
        yield f"You said {message['text']}. "
        yield f"As {call.caller}."
        await call.hangup("enough")

    done = await talk("hi\nnobody hears this\n", agent_of(llm=None), on_message=brain)
    assert "agent    You said hi. As +15550000001." in done.lines
    assert done.summary.reason == "enough"
    assert done.summary.cost_usd == 0, "a line that is typed costs nothing"


@pytest.mark.parametrize("fails", ["raises", "start", "end"])
async def test_a_function_that_fails_ends_nothing(fails: str) -> None:
    def fail(*_: object) -> None:
        raise SystemExit(fails)

    if fails == "raises":
        done = await talk("hi\n", agent_of(llm=None), on_message=fail)
        assert any("Sorry, something went wrong" in line for line in done.lines)
    else:
        callbacks: dict[str, Any] = {f"on_call_{fails}": fail}
        done = await talk("hi\n", **callbacks)
        assert "agent    I heard hi." in done.lines


async def test_the_agent_may_hang_up_and_what_is_left_is_not_read() -> None:
    done = await talk("bye\none\ntwo\nthree\n")
    assert done.summary.reason == "agent"
    assert not any("three" in line for line in done.lines)


async def test_a_transfer_ends_the_session() -> None:
    agent = agent_of(transfer_allowed="*")
    by_model = await talk("a person please\n", agent)
    by_hand = await talk("hi\n/transfer +15550188000\n", agent)
    assert by_model.summary.reason == by_hand.summary.reason == "transferred"


async def test_a_transfer_that_is_not_allowed_is_refused_as_on_the_telephone() -> None:
    done = await talk("/transfer +15550188000\nhi\n", agent_of(transfer_allowed=["+49*"]))
    assert any("transfers to +15550188000 are not allowed" in line for line in done.lines)
    assert done.summary.reason == "caller"


async def test_the_other_commands() -> None:
    typed = "hi\n/history\n/dtmf 1#\n/dtmf x\n/transfer 5\n/what\n/hangup\nlater\n"
    done = await talk(typed)
    for line in (
        "  agent  Hello, Rosa's.",
        "  caller hi",
        "caller   [DTMF: 1]",
        "'x' are not keys: /dtmf 12#",
        "'5' is not an E.164 number: /transfer +15550188000",
        "commands: /hangup /transfer N /dtmf 5 /history /quit",
    ):
        assert line in done.lines
    assert not any("later" in line for line in done.lines)


async def test_for_programs_every_line_is_an_event() -> None:
    done = await talk("are you open\n/history\n/what\n", lines=JsonLines())
    events = [json.loads(line) for line in done.lines]
    assert all("v" in each for each in events)
    kinds = [each["type"] for each in events]
    assert (kinds[0], kinds[-1]) == ("started", "ended")
    assert {"row", "tool", "history", "note"} <= set(kinds)


async def test_an_engine_is_written_to_and_answers() -> None:
    agent = phone_of().agent("Be brief.", engine=FakeEngine())
    done = await talk("good day\n", agent)
    assert any(line.startswith("agent    ") for line in done.lines)
    assert done.summary.turns == 1


async def test_an_agent_that_cannot_think_is_refused_before_the_call() -> None:
    agent = Agent(system_prompt="x", stt=FakeSTT(), tts=FakeTTS())
    with pytest.raises(AgentError, match="agent has no llm"):
        await talk("hi\n", agent)


async def test_only_an_agent_can_be_tested() -> None:
    wrong: Any = "bistro"
    with pytest.raises(TypeError) as caught:
        await phone_of().test(wrong)
    assert isinstance(caught.value, PatterTypeError)
    assert "phone.test" in caught.value.fix
    with pytest.raises(TypeError, match="on_message"):
        await phone_of().test(agent_of(), on_message=wrong)


async def test_a_phone_tests_at_its_own_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("are you open\n"))
    phone = phone_of()
    await phone.test(agent_of(phone))
    assert "agent    From five to eleven." in capsys.readouterr().out


async def test_a_pipe_is_read_without_holding_up_the_loop() -> None:
    reading, writing = os.pipe()
    sink = io.StringIO()
    with os.fdopen(reading) as source:
        session = TestSession(agent=agent_of(), registry=bare(), terminal=Terminal(source, sink))
        run = asyncio.create_task(session.run())
        for word in ("grüß", "gott\n", "bye\n"):
            await asyncio.sleep(0.02)
            os.write(writing, word.encode())
        summary = await run
        assert summary.reason == "agent"
        os.write(writing, b"for whoever reads next\n")
        assert source.readline() == "for whoever reads next\n"
    os.close(writing)
    assert "agent    I heard grüßgott." in sink.getvalue()


async def test_on_a_terminal_there_is_a_prompt_and_no_line_twice() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as raw:
        end = io.TextIOWrapper(raw, write_through=True)
        session = TestSession(agent=agent_of(), registry=bare(), terminal=Terminal(end, end))
        run = asyncio.create_task(session.run())
        os.write(ours, b"are you open\n")
        await asyncio.sleep(0.3)
        os.write(ours, b"/quit\n")
        await run
    printed = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "\r\x1b[Kyou      " in printed
    assert "agent    From five to eleven." in printed
    assert printed.count("are you open") == 1


async def test_who_is_interrupted_at_the_keyboard_leaves_nothing() -> None:
    reading, writing = os.pipe()
    ended: list[dict[str, Any]] = []
    with os.fdopen(reading) as source:
        session = TestSession(
            agent=agent_of(),
            registry=bare(),
            callbacks=Callbacks(on_call_end=ended.append),
            terminal=Terminal(source, io.StringIO()),
        )
        run = asyncio.create_task(session.run())
        await asyncio.sleep(0.1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    os.close(writing)
    assert [each["transcript"] for each in ended] == [
        [{"role": "assistant", "text": "Hello, Rosa's."}]
    ]
