"""A sensitive entry's digits are in no export of the call, and in no replay of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from patter import Agent
from patter.observe.events import CallEvent
from patter.testing import FakeLLM, LabCall, lab, run_virtual

from .conftest import CallShelf

CANARY, OPEN = "739154826", "2580"


def recorded() -> list[CallEvent]:
    """A call with keys for everybody, and then with secret ones."""
    agent = Agent(system_prompt="", llm=FakeLLM(replies=("Thank you.",)), vad="none")

    async def collect(call: LabCall) -> None:
        async with asyncio.TaskGroup() as tasks:
            entry = tasks.create_task(call.session.control.collect_digits(9, sensitive=True))
            await asyncio.sleep(0)
            await call.caller.presses(CANARY)
        assert entry.result() == CANARY

    async def call_it() -> list[CallEvent]:
        async with lab(agent) as call:
            await call.caller.waits(500)
            await call.caller.presses(OPEN)
            await call.listens()
            await collect(call)
            await call.says("is that right")
            await call.hangs_up()
        return call.events

    return run_virtual(call_it())


@pytest.mark.parametrize("format", ["json", "csv", "srt", "html", "test"])
def test_no_export_has_them(kept: CallShelf, format: str) -> None:
    kept.keep("7f3a91", recorded())
    assert kept.calls("export", "last", "--format", format, "--out", "it")[0] == 0
    text = Path("it").read_text()
    assert OPEN in text
    assert CANARY not in text and CANARY[:7] not in text and CANARY[2:] not in text


def test_what_is_shown_and_replayed_counts_them(kept: CallShelf) -> None:
    kept.keep("7f3a91", recorded())
    out = kept.calls("show", "last")[1]
    assert "[DTMF: 9 hidden]" in out and CANARY not in out
    status, out, err = kept.calls("replay", "last", "--out", "again", "--json")
    assert CANARY not in out + err + Path("again/7f3a91.jsonl").read_text()
    assert [each["what"] for each in json.loads(out)["differences"]] in ([], ["caller"]), out
    assert status in (0, 1)
