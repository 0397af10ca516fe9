"""Several models: the next answers when one cannot begin, and never finishes another's sentence."""

from __future__ import annotations

import pytest

from patter import (
    Agent,
    AllProvidersFailedError,
    AuthenticationError,
    FallbackLLMProvider,
    PartialStreamError,
    PatterConnectionError,
    PatterError,
    PluginRegistry,
)
from patter.providers.context import CallContext
from patter.providers.llm import DoneChunk, LLMRequest, Message, TextChunk, ToolRequest
from patter_testing import FakeLLM, FakeSTT, FakeTTS, LLMSuite, Reply

LOST = PatterConnectionError("the first is gone", fix="wait")
REFUSAL = AuthenticationError("the second was refused", fix="set a key")
BUSY = PatterConnectionError("the second is busy", fix="wait more")
REQUEST = LLMRequest(messages=(Message("user", "hello"),), call=CallContext(call_id="c1"))


def failing(error: PatterError, after: int = 0) -> FakeLLM:
    return FakeLLM(replies=(Reply(text="Half a reply", fails=error, fails_after=after),))


async def reply_of(llm: FallbackLLMProvider) -> str:
    chunks = [chunk async for chunk in llm.stream(REQUEST)]
    assert isinstance(chunks[-1], DoneChunk)
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


async def test_the_next_answers_when_one_cannot_begin() -> None:
    second = FakeLLM(replies=("From the second.",))
    assert await reply_of(FallbackLLMProvider((failing(LOST), second))) == "From the second."


async def test_the_first_that_answers_is_the_only_one_used() -> None:
    second = FakeLLM()
    assert await reply_of(FallbackLLMProvider((FakeLLM(replies=("First.",)), second))) == "First."
    assert second.requests == []


async def test_half_a_reply_is_not_finished_by_another() -> None:
    second = FakeLLM()
    with pytest.raises(PartialStreamError, match="the first is gone") as caught:
        await reply_of(FallbackLLMProvider((failing(LOST, after=1), second)))
    assert second.requests == []
    assert (caught.value.text, caught.value.code, caught.value.fix) == (
        "Half",
        "CONNECTION",
        "wait",
    )


async def test_all_failures_are_reported() -> None:
    with pytest.raises(AllProvidersFailedError) as caught:
        await reply_of(FallbackLLMProvider((failing(LOST), failing(BUSY))))
    expected = "no model answered: the first is gone; the second is busy"
    assert (caught.value.message, caught.value.fix) == (expected, "wait")


async def test_the_failure_of_the_only_one_keeps_its_code() -> None:
    with pytest.raises(AllProvidersFailedError, match="was refused") as caught:
        await reply_of(FallbackLLMProvider((failing(REFUSAL),)))
    assert caught.value.code == "AUTH"


def test_a_list_of_models_becomes_a_fallback_named_after_the_first() -> None:
    models = [FakeLLM(model="large"), FakeLLM(model="small")]
    agent = Agent(system_prompt="", stt=FakeSTT(), tts=FakeTTS(), llm=models)
    parts = agent.gather(PluginRegistry.from_environment({}, source=[]))
    assert isinstance(parts.llm, FallbackLLMProvider)
    assert (parts.llm.providers, parts.llm.model) == (tuple(models), "large")
    assert parts.names["llm"] == ("fake", "large")


def test_a_list_of_one_is_that_one() -> None:
    only = FakeLLM()
    agent = Agent(system_prompt="", stt=FakeSTT(), tts=FakeTTS(), llm=[only])
    assert agent.gather(PluginRegistry.from_environment({}, source=[])).llm is only


def answer(request: LLMRequest) -> Reply:
    wants = request.tools and request.messages[-1].role == "user"
    tools = (ToolRequest("call-1", "book_table", '{"people":2}'),)
    return Reply(tools=tools) if wants else Reply(text="Hello to you.")


class TestFallback(LLMSuite):
    """A fallback whose first model is down keeps every rule of a model."""

    @pytest.fixture
    def provider(self) -> FallbackLLMProvider:
        return FallbackLLMProvider((failing(LOST), FakeLLM(answer=answer)))

    @pytest.fixture
    def refused(self) -> FallbackLLMProvider:
        return FallbackLLMProvider((failing(REFUSAL),))

    @pytest.fixture
    def cut_off(self) -> FallbackLLMProvider:
        return FallbackLLMProvider((failing(LOST, after=2), FakeLLM()))

    @pytest.fixture
    def garbage(self) -> FallbackLLMProvider:
        return FallbackLLMProvider((FakeLLM(replies=(Reply(garbage=(TextChunk("\0"),)),)),))

    @pytest.fixture
    def mute(self) -> FallbackLLMProvider:
        return FallbackLLMProvider((failing(LOST), FakeLLM(replies=(Reply(silent=True),))))
