"""A function of the application as ``llm=``: whatever its form, it answers instead of a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from patter import CallControl, CustomLLM, PluginRegistry, RemoteMessageHandler
from patter.agent import Agent
from patter.call.custom_llm import brain_of
from patter.errors import AgentError, PatterTypeError, ProviderError
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply, lab

pytestmark = pytest.mark.virtual_time
REGISTRY = PluginRegistry()


def agent(llm: Any) -> Agent:
    return Agent(system_prompt="", stt=FakeSTT(), tts=FakeTTS(), vad=FakeVAD(), llm=llm)


def plainly(message: dict[str, Any]) -> str:
    return f"You said {message['text']}."


async def awaited(message: dict[str, Any]) -> str:
    await asyncio.sleep(0.1)
    return f"You said {message['text']}."


async def in_pieces(message: dict[str, Any]) -> AsyncIterator[str]:
    yield "You said "
    await asyncio.sleep(0.1)
    yield f"{message['text']}."


def in_blocking_pieces(message: dict[str, Any]) -> Iterator[str]:
    yield "You said "
    yield f"{message['text']}."


async def with_the_call(message: dict[str, Any], call: CallControl) -> str:
    assert call.call_id == message["call_id"]
    return f"You said {message['text']}."


class Callable:
    async def __call__(self, message: dict[str, Any]) -> str:
        return f"You said {message['text']}."


EVERY = [plainly, awaited, in_pieces, in_blocking_pieces, with_the_call, Callable()]


@pytest.mark.parametrize("form", EVERY)
@pytest.mark.parametrize("wrapped", [True, False])
async def test_each_form_answers(form: Any, wrapped: bool) -> None:
    async with lab(agent(CustomLLM(form) if wrapped else form), registry=REGISTRY) as call:
        assert await call.says("hello") == "You said hello."


@pytest.mark.parametrize("form", EVERY)
async def test_each_form_stands_in_for_a_model_that_fails(form: Any) -> None:
    broken = FakeLLM(replies=(Reply(fails=ProviderError("down", fix="wait")),))
    async with lab(agent([broken, form]), registry=REGISTRY) as call:
        assert await call.says("hello") == "You said hello."


async def test_it_reads_what_was_said_before() -> None:
    told: list[Any] = []

    def answer(message: dict[str, Any]) -> str:
        told.append(message)
        return "Yes."

    async with lab(agent(answer), registry=REGISTRY) as call:
        await call.says("one")
        await call.says("two")
    assert [row["text"] for row in told[1]["history"]] == ["one", "Yes.", "two"]
    assert told[1]["text"] == "two" and told[1]["call_id"] == "lab"


@pytest.mark.parametrize("raised", [RuntimeError("no"), SystemExit(3), asyncio.CancelledError()])
async def test_one_that_breaks_is_apologised_for(raised: BaseException) -> None:
    async def answer(_: dict[str, Any]) -> str:
        raise raised

    async with lab(agent(answer), registry=REGISTRY) as call:
        assert "something went wrong" in await call.says("hello")


async def test_one_that_never_answers_does_not_keep_the_caller_for_ever() -> None:
    async def answer(_: dict[str, Any]) -> str:
        await asyncio.get_running_loop().create_future()
        return ""

    async with lab(agent(answer), registry=REGISTRY) as call:
        await call.caller.says("hello")
        await call.caller.waits(60_000)
    assert any("something went wrong" in heard for heard in call.utterances)


def test_an_address_is_a_service_and_a_model_is_a_model() -> None:
    made = brain_of("https://example.com/answer")
    assert made == CustomLLM(RemoteMessageHandler("https://example.com/answer"))
    model = FakeLLM()
    assert brain_of(model) is model and brain_of("openai/gpt-4o") == "openai/gpt-4o"
    assert brain_of(["openai/gpt-4o", plainly]) == ["openai/gpt-4o", CustomLLM(plainly)]


def test_what_can_answer_nothing_is_refused() -> None:
    with pytest.raises(PatterTypeError, match="not a function"):
        CustomLLM(7)
    with pytest.raises(AgentError, match="not on the internet"):
        agent("http://127.0.0.1/").gather(REGISTRY)


def test_it_excludes_an_on_message() -> None:
    with pytest.raises(AgentError, match="agent has an llm, and serve an on_message"):
        agent(plainly).gather(REGISTRY, has_handler=True)
