"""A tool that is a web service: what it is sent, how often, and what the model reads of it."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from patter.egress.signing import SIGNATURE, is_signed
from patter.errors import EgressError, ToolSchemaError
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import DefaultToolExecutor, ToolOutcome
from patter.tools.tool import Effect, Tool, tool

from .sites import Answer, Site, site

CALL = CallContext(call_id="c1", caller="+15550100001", callee="+15550100002")
QUICK = DefaultToolExecutor(retry_delay_s=0.01, request_timeout_s=0.4)
MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def _local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PATTER_EGRESS_ALLOW", "127.0.0.1")
    monkeypatch.delenv("PATTER_WEBHOOK_SECRET", raising=False)
    yield


def hook(url: str, effect: Effect = "read", **more: Any) -> Tool:
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    return Tool("hours", "When?", schema, webhook_url=url, effect=effect, **more)


async def ran(made: Tool, executor: DefaultToolExecutor = QUICK) -> ToolOutcome:
    return await executor.execute(made, ToolRequest("t", made.name, '{"day": "sunday"}'), CALL)


def reply(*answers: Any) -> Answer:
    """Give the next of *answers*, then the last for ever: JSON, a status, or bytes."""
    left = list(answers)

    async def answer(_: web.Request) -> web.Response:
        each = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(each, int):
            return web.Response(status=each)
        return web.Response(body=each if isinstance(each, bytes) else orjson.dumps(each))

    return answer


def bodies(here: Site) -> list[dict[str, Any]]:
    return [orjson.loads(body) for _, body in here.requests]


async def test_the_service_gets_arguments_and_call_and_the_model_its_answer() -> None:
    async with site(reply({"open": "five"})) as here:
        outcome = await ran(hook(here.url))
    assert outcome == ToolOutcome('{"open":"five"}', True, {"day": "sunday"})
    assert bodies(here) == [
        {
            "tool": "hours",
            "arguments": {"day": "sunday"},
            "call_id": "c1",
            "caller": "+15550100001",
            "callee": "+15550100002",
            "attempt": 1,
        }
    ]


@pytest.mark.parametrize("wrong", [500, 404, b"<html>", b'{"open": '])
async def test_what_may_be_repeated_is_tried_three_times_under_one_key(wrong: Any) -> None:
    async with site(reply(wrong, wrong, "five")) as here:
        assert (await ran(hook(here.url))).text == "five"
    assert [each["attempt"] for each in bodies(here)] == [1, 2, 3]
    assert len({headers["Idempotency-Key"] for headers, _ in here.requests}) == 1


async def test_each_run_has_a_key_of_its_own() -> None:
    async with site(reply("five")) as here:
        made = hook(here.url)
        await ran(made)
        await ran(made)
    assert len({headers["Idempotency-Key"] for headers, _ in here.requests}) == 2


async def test_the_model_is_told_after_the_third_attempt() -> None:
    async with site(reply(503)) as here:
        outcome = await ran(hook(here.url))
    told = orjson.loads(outcome.text)
    assert not outcome.ok and len(here.requests) == 3
    assert told["fallback"] is True and "status 503" in told["error"]


@pytest.mark.parametrize("wrong", [500, b"no json"])
async def test_what_must_not_be_done_twice_is_sent_once_when_it_may_have_arrived(
    wrong: Any,
) -> None:
    async with site(reply(wrong)) as here:
        outcome = await ran(hook(here.url, "once"))
    assert len(here.requests) == 1
    assert "do not ask for it again" in outcome.text


async def test_what_must_not_be_done_twice_is_tried_again_while_nobody_is_there() -> None:
    """Nothing listens at first: it cannot have been done."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    patient = DefaultToolExecutor(retry_delay_s=0.2, request_timeout_s=2)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(ran(hook(f"http://127.0.0.1:{port}/", "once"), patient))
        await asyncio.sleep(0.05)
        async with site(reply("done"), port) as here:
            assert (await running).text == "done"
            assert bodies(here)[0]["attempt"] == 2


async def test_a_dead_service_is_a_failure_the_model_reads() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = await ran(hook(f"http://127.0.0.1:{taken.getsockname()[1]}/", "once"))
    assert not outcome.ok and "again" not in outcome.text


async def test_a_slow_service_is_given_up() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with site(slow) as here:
        outcome = await ran(hook(here.url))
        assert "no answer within 0.4 s" in outcome.text and len(here.requests) == 3


async def test_a_service_that_drips_is_given_up() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with site(drip) as here:
        assert "no answer within 0.4 s" in (await ran(hook(here.url, "once"))).text


async def test_all_attempts_together_take_no_longer_than_the_tool_may() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with site(slow) as here:
        outcome = await ran(hook(here.url, timeout_s=0.5))
        assert "no result within 0.5 s" in outcome.text and len(here.requests) == 2


async def test_an_answer_of_a_megabyte_is_read_and_more_is_not() -> None:
    fits = b'"' + b"a" * (MEGABYTE - 2) + b'"'
    async with site(reply(fits)) as here:
        assert (await ran(hook(here.url))).ok
    async with site(reply(fits + b" ")) as here:
        assert "more than 1048576 bytes" in (await ran(hook(here.url, "once"))).text


async def test_nothing_is_unpacked() -> None:
    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b'"five"'), headers={"Content-Encoding": "gzip"})

    async with site(packed) as here:
        assert "no JSON" in (await ran(hook(here.url, "once"))).text
    assert here.requests[0][0]["Accept-Encoding"] == "identity"


async def test_a_redirect_is_not_followed() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/")

    async with site(away) as here:
        assert not (await ran(hook(here.url, "once"))).ok
    assert len(here.requests) == 1


async def test_an_answer_of_nothing_is_one() -> None:
    async with site(reply(204)) as here:
        assert await ran(hook(here.url, "once")) == ToolOutcome("null", True, {"day": "sunday"})


async def test_arguments_that_do_not_fit_are_not_sent() -> None:
    async with site(reply("five")) as here:
        outcome = await QUICK.execute(hook(here.url), ToolRequest("t", "hours", "{}"), CALL)
    assert "missing day" in outcome.text and not here.requests


@pytest.mark.parametrize("by_variable", [True, False])
async def test_the_request_is_signed(by_variable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_variable:
        monkeypatch.setenv("PATTER_WEBHOOK_SECRET", "the-secret")
    async with site(reply("five")) as here:
        made = hook(here.url) if by_variable else hook(here.url, webhook_secret="the-secret")
        assert "the-secret" not in repr(made)
        await ran(made)
    [(headers, body)] = here.requests
    wall = CALL.clock.wall()
    assert is_signed(body, headers[SIGNATURE], "the-secret", wall=wall)
    assert not is_signed(body, headers[SIGNATURE], "another", wall=wall)
    assert not is_signed(body + b" ", headers[SIGNATURE], "the-secret", wall=wall)
    assert not is_signed(body, headers[SIGNATURE], "the-secret", wall=wall + 301)
    assert not is_signed(body, "t=,v1=", "the-secret", wall=wall)


async def test_without_a_secret_nothing_is_signed() -> None:
    async with site(reply("five")) as here:
        await ran(hook(here.url))
    assert SIGNATURE not in here.requests[0][0]


async def test_an_address_that_became_forbidden_is_not_asked_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(reply("five")) as here:
        made = hook(here.url)
        monkeypatch.delenv("PATTER_EGRESS_ALLOW")
        assert "not on the internet" in (await ran(made)).text
        assert not here.requests


def test_an_address_of_this_machine_is_refused_when_the_tool_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PATTER_EGRESS_ALLOW")
    with pytest.raises(EgressError, match="not on the internet"):
        hook("http://127.0.0.1:8000/")
    with pytest.raises(ValueError, match="web service"):
        hook("ftp://example.com/")


def test_a_tool_is_a_function_or_a_service() -> None:
    with pytest.raises(ToolSchemaError, match="no handler"):
        Tool("hours")
    with pytest.raises(ToolSchemaError, match="both"):
        Tool("hours", handler=lambda: "", webhook_url="https://example.com/")
    made = tool(name="hours", webhook_url="https://example.com/hours")
    assert made.parameters == {"type": "object", "properties": {}, "required": []}
    with pytest.raises(ToolSchemaError, match="web service, not a function"):
        made()
