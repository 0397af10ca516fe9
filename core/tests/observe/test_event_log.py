"""Events and log records as lines of JSON: found by call, without words, keys and numbers."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from patter import safe_logs, tool
from patter.agent import Agent
from patter.cli.out import Out
from patter.errors import PatterConfigError
from patter.log_lines import CALL_ID, JsonFormatter, log_format
from patter.observe import event_log
from patter.observe.event_log import FIELDS, EventLog, event_listeners
from patter.observe.events import (
    EVENTS,
    CallEvent,
    EngineStep,
    ErrorEvent,
    Row,
    Started,
    ToolRun,
    Wire,
)
from patter.observe.redact import Redaction, Redactor
from patter.providers.llm import ToolRequest
from patter.safe_text import remember_secret
from patter_testing import FakeLLM, Reply, lab

NUMBER = "+15550107788"


@attrs.frozen
class Written:
    """What a handler wrote: each line of it, read."""

    stream: io.StringIO

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    safe_logs.make_logs_safe()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    level = event_log.log.level
    event_log.log.setLevel(logging.INFO)
    yield Written(stream)
    event_log.log.setLevel(level)
    logging.getLogger().removeHandler(handler)


@pytest.mark.virtual_time
async def test_a_whole_call_is_a_line_an_event_with_its_id_and_none_of_its_words(
    written: Written,
) -> None:
    model = FakeLLM(replies=("The table is yours.",))
    async with lab(Agent(system_prompt="", llm=model, first_message="Ciao.")) as call:
        call.session.events.subscribe(EventLog())
        await call.listens()
        await call.says("a table for two")
    lines = written.lines
    assert {line["call"] for line in lines} == {"lab"}
    assert lines[0]["event"] == "started" and lines[-1]["event"] == "ended"
    turn = next(line for line in lines if line["event"] == "turn")
    assert sum(turn["stages"].values()) == turn["gap_ms"]
    told = [event for event in call.events if type(event) in FIELDS]
    assert [line["seq"] for line in lines] == [event.seq for event in told]
    assert "table" not in written.text and "Ciao" not in written.text


def test_words_keys_and_arguments_are_in_no_field_that_is_logged() -> None:
    hidden = {"text", "unheard", "arguments", "result", "digits", "messages", "input", "rules"}
    for kind, names in FIELDS.items():
        known = {field.name for field in fields(kind)}
        assert set(names) <= known
        allowed = {"text"} if kind.__name__ == "Link" else set()
        assert not (set(names) & hidden) - allowed
    assert set(EVENTS.values()) - set(FIELDS) == {EngineStep}


@given(st.text(min_size=4), st.from_regex(r"[0-9]{4,8}", fullmatch=True))
def test_no_canary_gets_through(words: str, keys: str) -> None:
    canary = f"QX{words}XQ"
    listener = EventLog()
    events: list[CallEvent] = [
        Row(call="c", role="caller", text=canary, unheard=canary),
        ToolRun(call="c", name="t", what="finished", arguments={"a": canary}, result=canary),
        Wire(call="c", what="dtmf", digits=keys),
    ]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    event_log.log.addHandler(handler)
    event_log.log.setLevel(logging.INFO)
    try:
        for event in events:
            listener(event)
    finally:
        event_log.log.removeHandler(handler)
        event_log.log.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["row", "tool", "wire"]
    for line in lines:
        for stamp in ("time", "seq", "at_ms"):
            del line[stamp]
    assert "QX" not in str(lines) and keys not in str(lines)


def test_numbers_are_written_as_the_record_writes_them(written: Written) -> None:
    listener = EventLog(Redactor(Redaction.MASK))
    listener(Started(call="c", caller=NUMBER, callee="sip:0107788@pbx"))
    listener(ErrorEvent(call="c", code="CONFIG", message=f"no way to {NUMBER} or sip:0107788@pbx"))
    assert [line.get("caller", "") for line in written.lines] == ["***7788", ""]
    assert NUMBER not in written.text and "0107788" not in written.text


def test_an_event_shows_no_secret_and_forges_no_line(written: Written) -> None:
    remember_secret("sk-hidden-7f3a9d")
    EventLog()(ErrorEvent(call="c", code="AUTH", message="sk-hidden-7f3a9d\n\x1b[2J refused"))
    (line,) = written.lines
    assert line["message"] == "[hidden]\\n\\x1b[2J refused"


async def test_a_log_line_says_in_which_call_it_was_written(written: Written) -> None:
    async def works(call_id: str) -> None:
        CALL_ID.set(call_id)
        await asyncio.sleep(0)
        logging.getLogger("patter.call").warning("slow")
        await asyncio.to_thread(logging.getLogger("patter_parrot").warning, "in a thread")

    async with asyncio.TaskGroup() as tasks:
        for call_id in ("a", "b"):
            tasks.create_task(works(call_id))
    logging.getLogger("patter.server").warning("call %s: its session failed", "c")
    logging.getLogger("patter.server").warning("nobody's")
    logging.getLogger("somebody.else").warning("call %s", "d")
    by_call = [(line.get("call"), line["message"]) for line in written.lines]
    assert sorted(by_call[:4]) == [
        *(("a", "in a thread"), ("a", "slow"), ("b", "in a thread"), ("b", "slow")),
    ]
    assert by_call[4:] == [
        *(("c", "call c: its session failed"), (None, "nobody's"), (None, "call d")),
    ]


@pytest.mark.virtual_time
async def test_tools_and_whatever_they_start_log_in_their_call(written: Written) -> None:
    @tool
    async def look_up() -> str:
        """Look it up."""
        logging.getLogger("patter_parrot").warning("looking")
        return "found"

    @tool
    def add_up() -> str:
        """Add it up, on a thread."""
        logging.getLogger("patter_parrot").warning("adding")
        return "five"

    requests = (ToolRequest("1", "look_up", "{}"), ToolRequest("2", "add_up", "{}"))
    model = FakeLLM(replies=(Reply(tools=requests), "It is five."))
    agent = Agent(system_prompt="", llm=model, tools=[look_up, add_up], first_message="")
    async with lab(agent) as call:
        await call.says("how many")
    records = [(line["call"], line["message"]) for line in written.lines if "message" in line]
    assert sorted(records) == [("lab", "adding"), ("lab", "looking")]


def test_a_traceback_is_one_line(written: Written) -> None:
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        logging.getLogger("patter.call").exception("failed")
    (line,) = written.lines
    assert line["message"] == "failed" and "RuntimeError: two" in line["error"]


def test_events_are_logged_only_when_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "log", logging.Logger("patter.events"))
    monkeypatch.delenv("PATTER_LOG_FORMAT", raising=False)
    assert event_listeners(None) == ()
    monkeypatch.setenv("PATTER_LOG_FORMAT", "json")
    assert len(event_listeners(None)) == 1
    monkeypatch.setenv("PATTER_LOG_FORMAT", "xml")
    with pytest.raises(PatterConfigError, match="PATTER_LOG_FORMAT") as caught:
        event_listeners(None)
    assert caught.value.fix == "export PATTER_LOG_FORMAT=text or json"


def test_a_flag_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_LOG_FORMAT", "json")
    assert (log_format(), log_format("text")) == ("json", "text")


def test_the_command_line_logs_json_when_told_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    level = event_log.log.level
    try:
        Out().set_up_logging("json")
        logging.getLogger("patter.call").warning("call %s: slow", "7f3a")
        EventLog()(Wire(call="7f3a", what="dry"))
    finally:
        event_log.log.setLevel(level)
    slow, dry = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (slow["call"], slow["level"], slow["message"]) == (
        *("7f3a", "warning", "call 7f3a: slow"),
    )
    assert (dry["call"], dry["event"], dry["what"]) == ("7f3a", "wire", "dry")


@pytest.mark.virtual_time
async def test_silence_inside_an_utterance_is_an_event() -> None:
    late = Reply(text="One moment please. It is five.", gap_ms=1_500)
    agent = Agent(system_prompt="", llm=FakeLLM(replies=(late,)), first_message="")
    quick = attrs.evolve(agent, llm=FakeLLM(replies=("One moment please. It is five.",)))
    waited = []
    for each in (agent, quick):
        async with lab(each) as call:
            await call.says("how many")
        waited.append([wire for wire in call.of(Wire) if wire.what == "dry"])
    assert len(waited[0]) == 1 and waited[1] == []
