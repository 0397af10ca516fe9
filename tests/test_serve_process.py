"""``patter serve`` as operators know it: it drains on SIGTERM and leaves one private record."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from patter.errors import ErrorCode, PatterError
from patter.observe.call_log import read_record
from patter.observe.events import Ended
from patter_softphone import Softphone

from .processes import LIMIT_S, complaints, loud, open_to_others, patter, row, running

PARTS = 'stt="pocketsphinx", llm="rules", tts="espeak?rate_wpm=300", vad="none"'
FARM = f"""
from patter import Patter

phone = Patter(carrier="softphone")
agent = phone.agent("Be brief.", {PARTS})
"""
WORDS = ("farm:agent", "--port", "0", "--json", "--quiet")

pytestmark = pytest.mark.patter_timeout(90)


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    """A directory with farm.py; its records go to ``log`` beside it."""
    (tmp_path / "farm.py").write_text(FARM, encoding="utf-8")
    return tmp_path


async def test_sigterm_in_a_call_refuses_others_says_goodbye_and_leaves_one_record(
    farm: Path,
) -> None:
    log = farm / "log"
    command = patter("serve", *WORDS, "--drain", "10")
    async with running(farm, command, PATTER_LOG_DIR=str(log)) as process:
        phone = Softphone(url=await process.told("url"))
        async with phone.call() as call:
            await call.write("hello")
            await row(call, "agent", "hello")
            process.send(signal.SIGTERM)
            assert (await refusal(phone)).code is ErrorCode.RATE_LIMIT
            before = loud(call.heard)
            goodbye = await row(call, "agent", "I have to end this call")
            async with asyncio.timeout(LIMIT_S):
                await call.ended()
            assert loud(call.heard) - before > 8_000
        assert await process.ended() == 0
    assert goodbye["text"].endswith("Goodbye.")
    record = record_of(log, call.call_id)
    assert open_to_others([log, *log.rglob("*")]) == []
    (ended,) = [each for each in read_record(record) if isinstance(each, Ended)]
    assert (ended.outcome, ended.reason) == ("completed", "drain")
    assert not complaints(process)


def record_of(log: Path, call_id: str) -> Path:
    """The one record of *call_id*; of one that came in just before the drain there is another."""
    (record,) = [path for path in log.rglob("call.jsonl") if path.parent.name == call_id]
    return record


async def refusal(phone: Softphone) -> PatterError:
    """Why a call is not taken, once none is."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                async with phone.call() as call:
                    await call.hang_up()
            except PatterError as error:
                return error


async def test_two_signals_stop_at_once_and_say_that_a_call_was_cut(farm: Path) -> None:
    command = patter("serve", *WORDS)
    async with running(farm, command, PATTER_LOG_DIR=str(farm / "log")) as process:
        phone = Softphone(url=await process.told("url"))
        async with phone.call() as call:
            await call.write("hello")
            await row(call, "agent", "hello")
            process.send(signal.SIGINT)
            await refusal(phone)
            process.send(signal.SIGINT)
            async with asyncio.timeout(LIMIT_S):
                await call.ended()
        assert await process.ended() == 1
    assert not [line for line in complaints(process) if "1 call was cut" not in line]
    record = record_of(farm / "log", call.call_id)
    (ended,) = [each for each in read_record(record) if isinstance(each, Ended)]
    events = [json.loads(line) for line in process.out]
    (drained,) = [each for each in events if each["event"] == "draining"]
    (over,) = [each for each in events if each["event"] == "ended" and each["call"] == call.call_id]
    assert call.call_id in drained["calls"]
    assert over["why"]["fix"].startswith("give calls longer")
    figures = (over["reason"], over["duration_ms"], over["turns"], over["cost_usd"])
    assert figures == (ended.reason, ended.duration_ms, ended.turns, ended.cost_usd)
    assert ended.duration_ms > 0
