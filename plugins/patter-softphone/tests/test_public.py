"""A softphone that others can reach: no address fills it, and nobody reads along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter.env import credential
from patter.errors import RateLimitError
from patter.observe.events import Ended, ErrorEvent
from patter.observe.summary import CallSummary
from patter.providers.carrier import MediaLeg
from patter.providers.context import CallContext
from patter.server.admission import Limits
from patter.server.app import Server
from patter_softphone import Softphone, SoftphoneCall, SoftphoneCarrier
from patter_softphone._callers import BACK_MS, END_MS, RING_MS, Callers
from patter_softphone._origin import is_local
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD

from .switchboard import SwitchboardSpy, Talk, serving

KEY = "sk-live/7f3a9d+e2c1b8"
PUBLIC = "phone.example.com"
CALL = "/webhooks/softphone/call"


class Waiting:
    """A session that waits for its end."""

    def __init__(self, call: CallContext) -> None:
        self.call = call
        self._over = asyncio.Event()

    async def run(self) -> CallSummary:
        await self._over.wait()
        return CallSummary(call_id=self.call.call_id, outcome="completed")

    async def attach(self, leg: MediaLeg) -> None:
        async for _ in leg:
            pass
        self._over.set()

    def post(self, event: Any) -> None:
        self._over.set()

    def now_ms(self) -> int:
        return 0


@asynccontextmanager
async def public(**options: Any) -> AsyncIterator[str]:
    """A server with a public name, behind a proxy on this machine that says who asks."""
    limits = Limits(trusted_proxies=("127.0.0.0/8",))
    server = Server(port=0, stall_ms=0, freeze_gc=False, limits=limits, public_host=PUBLIC)
    async with server.open(Waiting, carriers=[SoftphoneCarrier(**options)]) as at:
        yield at.url


async def ring(client: ClientSession, url: str, address: str, **body: str) -> int:
    headers = {"X-Forwarded-For": address}
    async with client.post(url + CALL, json=body, headers=headers) as answer:
        return answer.status


async def test_two_hundred_rings_of_one_address_leave_the_phone_to_the_others() -> None:
    async with public() as url, ClientSession() as client:
        rings = [ring(client, url, "203.0.113.9") for _ in range(200)]
        statuses = await asyncio.gather(*rings)
        assert (statuses.count(200), statuses.count(429)) == (10, 190)
        for last in range(10, 60):
            assert await ring(client, url, f"203.0.113.{last}") == 200


async def test_the_limit_says_who_may_raise_it_and_is_raised() -> None:
    async with public(calls_per_address=2) as url, ClientSession() as client:
        assert [await ring(client, url, "203.0.113.9") for _ in range(2)] == [200, 200]
        headers = {"X-Forwarded-For": "203.0.113.9"}
        async with client.post(url + CALL, json={}, headers=headers) as answer:
            error = (await answer.json())["error"]
    assert error["code"] == "RATE_LIMIT" and "calls_per_address" in error["fix"]


async def test_the_same_call_again_is_one_call() -> None:
    async with public(calls_per_address=1) as url, ClientSession() as client:
        for _ in range(3):
            assert await ring(client, url, "203.0.113.9", id="mine") == 200


async def test_on_this_machine_there_is_no_limit_of_an_address() -> None:
    server = Server(port=0, stall_ms=0, freeze_gc=False)
    carrier = SoftphoneCarrier(calls_per_address=1)
    async with server.open(Waiting, carriers=[carrier]) as at, ClientSession() as client:
        for _ in range(3):
            async with client.post(at.url + CALL, json={}) as answer:
                assert answer.status == 200


class Hand:
    """A clock that is moved by hand."""

    now = 0.0

    def ms(self) -> float:
        return self.now


def taken(callers: Callers, caller: str, call: str) -> bool:
    try:
        with callers.ring(caller, call):
            return True
    except RateLimitError:
        return False


def test_a_call_counts_until_it_cannot_be_open_any_more() -> None:
    hand: Any = Hand()
    callers = Callers(1, hand)
    assert taken(callers, "a", "1") and not taken(callers, "a", "2") and taken(callers, "b", "3")
    callers.attach("1")
    hand.now += RING_MS * 10
    assert not taken(callers, "a", "2"), "a call with media counts however long it lasts"
    callers.attach("1")
    callers.detach("1", over=False)
    hand.now += BACK_MS + 1
    assert not taken(callers, "a", "2"), "a second socket that was refused ends nothing"
    callers.detach("1", over=False)
    hand.now += BACK_MS - 1
    assert not taken(callers, "a", "2"), "lost media may come back"
    hand.now += 2
    assert taken(callers, "a", "2")
    callers.attach("2")
    callers.detach("2", over=True)
    assert not taken(callers, "a", "4")
    hand.now += END_MS
    assert taken(callers, "a", "4")
    hand.now += RING_MS
    assert taken(callers, "a", "5"), "a ring without media ends"


def test_a_ring_that_is_refused_further_on_is_not_counted() -> None:
    hand: Any = Hand()
    callers = Callers(1, hand)
    with pytest.raises(RuntimeError), callers.ring("a", "1"):
        raise RuntimeError
    assert taken(callers, "a", "2")


@pytest.mark.parametrize(
    ("peer", "host", "headers", "public_host", "local"),
    [
        ("127.0.0.1", "127.0.0.1:8080", {}, "", True),
        ("127.0.0.1", "localhost:8080", {}, "127.0.0.1:8080", True),
        ("::1", "[::1]:8080", {}, "", True),
        ("192.168.1.9", "192.168.1.2:8080", {}, "", False),
        ("127.0.0.1", "192.168.1.2:8080", {}, "", False),
        ("127.0.0.1", PUBLIC, {}, PUBLIC, False),
        ("127.0.0.1", "127.0.0.1:8080", {}, PUBLIC, False),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "127.0.0.1"}, "", False),
        ("", "127.0.0.1:8080", {}, "", False),
    ],
)
def test_who_is_on_this_machine(
    peer: str, host: str, headers: Mapping[str, str], public_host: str, local: bool
) -> None:
    assert is_local(peer, host, headers, public_host) is local


async def report(talk: Talk, leg: MediaLeg) -> None:
    talk.emit(ErrorEvent(code="PROVIDER_ERROR", message="a secret", fix="", where="llm"))
    talk.emit(Ended(outcome="completed"))


@pytest.mark.parametrize(
    ("host", "events", "shown"),
    [("", False, True), (PUBLIC, False, False), (PUBLIC, True, True)],
)
async def test_events_are_shown_on_this_machine_or_if_asked_for(
    host: str, events: bool, shown: bool
) -> None:
    desk = SwitchboardSpy(report, public_host=host)
    carrier = SoftphoneCarrier(events=events)
    async with serving(desk, carrier) as url, Softphone(url=url).call() as call:
        await call.ended()
    assert bool(call.events) is shown
    assert call.close_code == 1000


async def test_a_providers_exception_with_a_key_in_it_reaches_no_socket() -> None:
    credential("Model", "api_key", KEY, "MODEL_API_KEY")

    def fails(_: object) -> str:
        raise RuntimeError(f"401 for https://api.example/v1?key={KEY} with {KEY!r}")

    async with talking(fails) as call:
        error = await call.until(lambda event: event["type"] == "error")
    assert "[hidden]" in error["message"]
    assert KEY not in str(error)


@asynccontextmanager
async def talking(answer: Any) -> AsyncIterator[SoftphoneCall]:
    """A caller who has asked something of an agent with a model that says *answer*."""
    patter = Patter(
        carrier=SoftphoneCarrier(),
        persist=False,
        registry=PluginRegistry.from_environment(),
    )
    fakes: dict[str, Any] = {"stt": FakeSTT(), "tts": FakeTTS(), "vad": FakeVAD()}
    agent = patter.agent("Be brief.", llm=FakeLLM(answer=answer), **fakes)
    async with task_scope() as tasks:
        tasks.create_task(patter.serve(agent, port=0))
        url = await patter.ready
        async with Softphone(url=url).call() as call:
            await call.write("are you open")
            yield call
        await patter.disconnect()
