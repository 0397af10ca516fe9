"""A tool that asks another agent: what it sends, what it makes of any answer, and of none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from patter import ConsultConfig, OpenAICompatibleConsult, PluginRegistry
from patter.agent import Agent
from patter.egress.signing import SIGNATURE
from patter.errors import AgentError, EgressError, PatterConfigError
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import DEFAULT_EXECUTOR, ToolOutcome
from patter.tools.tool import tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply, lab

from .sites import Answer, site

CALL = CallContext(call_id="c1", caller="+15550100001", callee="+15550100002")
SORRY = "I am sorry, I cannot look into that right now."


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PATTER_EGRESS_ALLOW", raising=False)
    monkeypatch.setenv("PATTER_WEBHOOK_SECRET", "the-secret")
    yield


def config(url: str, **more: Any) -> ConsultConfig:
    return ConsultConfig(url=url, allow_loopback=True, **more)


async def asked(made: ConsultConfig) -> ToolOutcome:
    request = ToolRequest("t", made.tool_name, '{"request": "when is the train"}')
    return await DEFAULT_EXECUTOR.execute(made.tool, request, CALL)


def saying(content: Any, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        return web.Response(body=body, status=status)

    return answer


@pytest.mark.parametrize("key", ["reply", "response", "text", "result", "answer", "message"])
async def test_the_answer_is_read_under_any_usual_name(key: str) -> None:
    async with site(saying({key: "At nine.", "other": 1})) as here:
        made = config(here.url, headers={"X-Team": "trains"})
        assert (await asked(made)).text == "At nine."
    [(headers, body)] = here.requests
    assert orjson.loads(body) == {
        "request": "when is the train",
        "call_id": "c1",
        "caller": "+15550100001",
        "callee": "+15550100002",
    }
    assert headers["X-Team"] == "trains" and SIGNATURE in headers


@pytest.mark.parametrize("content", [b"At nine.", b'"At nine."', b'{"at": 9}', b"[9]"])
async def test_what_has_no_name_is_taken_as_it_is(content: bytes) -> None:
    async with site(saying(content)) as here:
        outcome = await asked(config(here.url))
    assert outcome.ok and outcome.text == content.decode().strip('"')


async def test_an_agent_that_speaks_as_openai_does_is_asked_that_way() -> None:
    async with site(saying({"choices": [{"message": {"content": "At nine."}}]})) as here:
        other = OpenAICompatibleConsult(base_url=f"{here.url}v1/", model="m", api_key="sk-key-1")
        made = ConsultConfig(openai_compatible=other, allow_loopback=True)
        assert "sk-key-1" not in repr(made)
        assert (await asked(made)).text == "At nine."
    [(headers, body)] = here.requests
    assert headers["Authorization"] == "Bearer sk-key-1" and SIGNATURE not in headers
    assert orjson.loads(body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "when is the train"}],
        "user": "c1",
    }


@pytest.mark.parametrize(
    "answer", [saying(b"", 500), saying(b"  "), saying(b"a" * ((1 << 20) + 1))]
)
async def test_when_nothing_comes_of_it_there_is_a_sentence_to_say(answer: Answer) -> None:
    async with site(answer) as here:
        outcome = await asked(config(here.url))
    assert orjson.loads(outcome.text) == {"error": SORRY, "fallback": True}
    assert not outcome.ok and len(here.requests) == 1


async def test_one_that_takes_too_long_is_given_up() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with site(slow) as here:
        outcome = await asked(config(here.url, timeout_s=0.3, fallback="Not now."))
        assert orjson.loads(outcome.text)["error"] == "Not now."


async def test_the_model_has_the_tool_and_the_caller_hears_what_came_of_it() -> None:
    request = ToolRequest("t", "consult_agent", '{"request": "train"}')
    llm = FakeLLM(replies=(Reply(tools=(request,)), "It leaves at nine."))
    async with site(saying({"reply": "09:00"})) as here:
        agent = Agent(
            system_prompt="",
            stt=FakeSTT(),
            tts=FakeTTS(),
            llm=llm,
            vad=FakeVAD(),
            consult=config(here.url),
        )
        async with lab(agent, registry=PluginRegistry()) as call:
            assert await call.says("when is the train") == "It leaves at nine."
        call.expect_tool("consult_agent", request="train")
    assert "consult_agent" in [spec.name for spec in llm.requests[0].tools]
    assert [row.text for row in llm.requests[1].messages if row.role == "tool"] == ["09:00"]


def test_it_names_one_agent_that_may_be_asked() -> None:
    other = OpenAICompatibleConsult(base_url="https://example.com/v1", model="m")
    with pytest.raises(PatterConfigError, match="not one agent"):
        ConsultConfig()
    with pytest.raises(ValueError, match="not one agent"):
        ConsultConfig(url="https://example.com", openai_compatible=other)
    with pytest.raises(EgressError):
        ConsultConfig(url="http://127.0.0.1/")
    with pytest.raises(PatterConfigError, match="timeout_s"):
        ConsultConfig(url="https://example.com", timeout_s=0)


@pytest.mark.parametrize(("consult", "problem"), [("https://x.de", "not a Consult"), (None, "")])
def test_an_agent_says_what_is_wrong_with_it(consult: Any, problem: str) -> None:
    @tool(name="consult_agent")
    def own() -> None: ...

    agent = Agent(
        system_prompt="",
        stt=FakeSTT(),
        tts=FakeTTS(),
        llm=FakeLLM(),
        vad=FakeVAD(),
        tools=[own],
        consult=consult or ConsultConfig(url="https://example.com/"),
    )
    with pytest.raises(AgentError, match=problem or "two tools are named 'consult_agent'"):
        agent.gather(PluginRegistry())
