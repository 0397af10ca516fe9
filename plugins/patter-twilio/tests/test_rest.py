"""The API on good and bad days: what is asked again, what never is, and what errors say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import orjson
import pytest
from aiohttp import web

from patter.carriers.vendor_api import ApiRefusal
from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
)
from patter_testing import site
from patter_testing.doubles.harness import OURS, THEIRS, InstantClock
from patter_twilio import Twilio
from patter_twilio._rest import TwilioApi, connected

from .harness import harness

CALL = "CA" + "1" * 32
ACCOUNT = "AC" + "0" * 32


@attrs.define
class Answers:
    """An API that gives these answers, one after the other, then the last for ever."""

    given: list[tuple[int, str]]
    asked: list[tuple[str, str]] = attrs.field(factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        status, text = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        return web.Response(status=status, text=text, content_type="application/json")


@asynccontextmanager
async def api(*given: tuple[int, str]) -> AsyncIterator[tuple[TwilioApi, Answers]]:
    answers = Answers(list(given))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answers.answer)
    async with site(app) as base:
        settings = Twilio(account_sid=ACCOUNT, auth_token="hunter2", api_base=base)
        async with connected(settings) as opened:
            opened.clock = InstantClock()
            yield opened, answers


def error(code: int, said: str = "No") -> str:
    return orjson.dumps({"code": code, "message": said, "status": 400}).decode()


OK = '{"sid": "CA1"}'


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_may_be_asked_twice_is_asked_three_times(status: int) -> None:
    async with api((status, "<html>"), (status, ""), (200, OK)) as (twilio, answers):
        await twilio.change(CALL, status="completed")
        assert len(answers.asked) == 3
    async with api((status, error(20429))) as (twilio, answers):
        with pytest.raises(PatterConnectionError):
            await twilio.change(CALL, status="completed")
        assert len(answers.asked) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_call_is_never_placed_twice(status: int) -> None:
    async with api((status, ""), (201, OK)) as (twilio, answers):
        with pytest.raises(PatterConnectionError):
            await twilio.dial(to=THEIRS, from_=OURS, twiml="<Response/>")
        assert len(answers.asked) == 1


async def test_a_refusal_is_not_asked_again() -> None:
    async with api((400, error(21220))) as (twilio, answers):
        with pytest.raises(ApiRefusal) as raised:
            await twilio.change(CALL, twiml="<Response/>")
        assert raised.value.vendor_code == "21220"
        assert len(answers.asked) == 1


async def test_an_api_that_says_nothing_is_given_up() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.vendor.runtime.injector.faults = attrs.evolve(
            at.vendor.runtime.injector.faults, slow=1.0, slow_ms=300
        )
        with pytest.raises(PatterTimeoutError):
            await at.line.api.change(call.call_id, within_s=0.05, status="completed")
        attached.done()


async def test_an_api_that_is_not_there_is_a_connection_error() -> None:
    settings = Twilio(account_sid=ACCOUNT, auth_token="t", api_base="http://127.0.0.1:1")
    async with connected(settings) as twilio:
        twilio.clock = InstantClock()
        with pytest.raises(PatterConnectionError) as raised:
            await twilio.call(CALL)
    assert raised.value.fix


@pytest.mark.parametrize("text", ["<html>", "{", "[1]", ""])
async def test_an_answer_of_no_use_is_an_error_with_a_fix(text: str) -> None:
    async with api((200, text)) as (twilio, _):
        with pytest.raises(PatterError) as raised:
            await twilio.call(CALL)
        assert raised.value.fix
        with pytest.raises(PatterError):
            await twilio.number(OURS)
        with pytest.raises(PatterError):
            await twilio.dial(to=THEIRS, from_=OURS, twiml="<Response/>")


async def test_a_call_without_a_name_is_not_believed() -> None:
    async with api((201, '{"sid": null}')) as (twilio, _):
        with pytest.raises(PatterError):
            await twilio.dial(to=THEIRS, from_=OURS, twiml="<Response/>")
        with pytest.raises(PatterError):
            await twilio.number(OURS)


async def test_the_library_does_not_hold_the_loop() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        loop, worst = asyncio.get_running_loop(), 0.0
        stop = asyncio.Event()

        async def watch() -> None:
            nonlocal worst
            while not stop.is_set():
                before = loop.time()
                await asyncio.sleep(0.001)
                worst = max(worst, loop.time() - before)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            for _ in range(20):
                await at.line.price(call.call_id)
            await at.line.hangup(call.call_id)
            stop.set()
        assert worst < 0.1
        attached.done()
