"""What a trace tells of people: numbers as configured, words when asked for, hidden keys never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from patter import Agent, tool
from patter.providers.llm import ToolRequest
from patter_otel.switch import WORDS
from patter_testing import FakeLLM, Reply, lab, run_virtual

from .calls import registry
from .conftest import Collector

Toggle = Callable[..., None]
SECRET, OPEN = "739154826", "2580"
SAID, ANSWER, FOUND = "my cat is called Wotan", "Wotan sounds lovely.", "Wotan is registered"
NUMBER = "+15550100001"


@tool
async def find_pet(name: str) -> str:
    """Find a pet."""
    return f"{FOUND} under {NUMBER}"


async def talks() -> None:
    request = ToolRequest("1", "find_pet", '{"name": "Wotan"}')
    model = FakeLLM(replies=(Reply(tools=(request,)), ANSWER))
    agent = Agent(system_prompt="", llm=model, tools=[find_pet], first_message="")
    async with lab(agent, registry=registry("patter_otel")) as call:
        await call.says(SAID)
        await call.caller.presses(OPEN)
        await call.listens()
        async with asyncio.TaskGroup() as tasks:
            entry = tasks.create_task(call.session.control.collect_digits(9, sensitive=True))
            await asyncio.sleep(0)
            await call.caller.presses(SECRET)
        assert entry.result() == SECRET


def told(tracing: Toggle, collector: Collector) -> bytes:
    tracing()
    run_virtual(talks())
    tracing()
    assert collector.bodies
    return b"".join(collector.bodies)


def test_no_word_and_no_key_is_told(tracing: Toggle, collector: Collector) -> None:
    body = told(tracing, collector)
    assert b"Wotan" not in body and b"lovely" not in body
    assert SECRET.encode() not in body and SECRET[2:].encode() not in body
    assert OPEN.encode() not in body


def test_words_are_when_asked_for_and_hidden_keys_are_not(
    tracing: Toggle, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WORDS, "1")
    body = told(tracing, collector)
    for words in (SAID, ANSWER, FOUND):
        assert words.encode() in body
    assert SECRET.encode() not in body and SECRET[2:].encode() not in body


@pytest.mark.parametrize("how, shown", [("mask", "***0001"), ("hash_only", "hmac:")])
def test_numbers_are_written_as_the_records_write_them(
    tracing: Toggle,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    shown: str,
) -> None:
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", how)
    monkeypatch.setenv(WORDS, "1")
    body = told(tracing, collector)
    assert NUMBER.encode() not in body and NUMBER[1:].encode() not in body
    assert shown.encode() in body


def test_whole_numbers_are_told_only_where_records_have_them(
    tracing: Toggle, collector: Collector
) -> None:
    told(tracing, collector)
    (root,) = collector.named("getpatter.call")
    assert root.attributes["patter.caller"] == NUMBER
