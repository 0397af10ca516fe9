"""Webhooks of doubles: signed, repeated, late, out of order, forged, tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError, PatterConfigError
from patter_testing import site
from patter_testing.doubles.faults import FaultInjector, Faults
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.runtime import DoubleRuntime, opened
from patter_testing.doubles.webhook_sender import Webhook

SIGNED = {"X-Signature": "good"}


@attrs.define
class Taker:
    """A server that takes webhooks whose body was not touched."""

    fails: int = 0
    got: list[str] = attrs.field(factory=list)
    refused: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        assert request.headers["X-Signature"] == "good"
        if "Forged" in body:
            self.refused += 1
            return web.Response(status=403)
        if self.fails:
            self.fails -= 1
            return web.Response(status=503)
        self.got.append(body)
        return web.Response(text="taken")


async def served(_: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def posting(
    faults: Faults | None = None, fails: int = 0
) -> AsyncIterator[tuple[Taker, DoubleRuntime]]:
    taker = Taker(fails)
    app = web.Application()
    app.add_routes([web.post("/hook", taker.take)])
    async with (
        site(app) as url,
        opened(
            sign=lambda _: SIGNED,
            refuse=lambda status: web.Response(status=status),
            vendor=lambda runtime: runtime,
            routes=lambda _: [web.get("/api", served)],
            faults=faults,
            hosts=HostMap(url, "a.example.com"),
        ) as runtime,
    ):
        yield taker, runtime


def hook(body: str = "a=1") -> Webhook:
    return Webhook(url="https://a.example.com/hook", body=body.encode())


async def arrived(taker: Taker, count: int) -> None:
    while len(taker.got) < count:
        await asyncio.sleep(0.005)


async def test_the_answer_comes_back() -> None:
    async with posting() as (_, runtime):
        answer = await runtime.sender.ask(hook())
        assert (answer.ok, answer.body) == (True, b"taken")


async def test_a_failing_server_is_tried_again_a_refusing_one_is_not() -> None:
    async with posting(fails=2) as (taker, runtime):
        assert (await runtime.sender.ask(hook())).ok
        assert (await runtime.sender.ask(hook("Forged=1"))).status == 403
        assert (taker.got, taker.refused) == (["a=1"], 1)


async def test_a_webhook_comes_twice() -> None:
    async with posting(Faults(twice=1)) as (taker, runtime):
        await runtime.sender.ask(hook())
        await arrived(taker, 2)


async def test_a_reordered_webhook_comes_after_the_next() -> None:
    async with posting(Faults(reordered=1)) as (taker, runtime):
        runtime.sender.tell(hook("n=1"))
        await asyncio.sleep(0)
        await runtime.sender.ask(hook("n=2"))
        await arrived(taker, 2)
        assert taker.got == ["n=2", "n=1"]


async def test_a_forged_one_goes_before_and_its_acceptance_would_be_known() -> None:
    async with posting(Faults(forged=1)) as (taker, runtime):
        await runtime.sender.ask(hook())
        assert taker.refused == 1
        assert not runtime.sender.forgeries_taken


@pytest.mark.parametrize(("faults", "status"), [(Faults(limited=1), 429), (Faults(broken=1), 500)])
async def test_the_api_refuses_as_it_is_told_to(faults: Faults, status: int) -> None:
    async with posting(faults) as (_, runtime):
        async with runtime.http.get(f"{runtime.url}/api") as answer:
            assert answer.status in (status, 503)
        assert runtime.requests == [("GET", "/api")]


@given(st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_the_same_seed_deals_the_same_fate(seed: int, late: float, dropped: float) -> None:
    def dealt() -> list[object]:
        injector = FaultInjector(Faults(seed=seed, late=late, dropped=dropped, forged=0.5))
        return [injector.delivery() for _ in range(5)] + [
            injector.breaks_after_ms() for _ in range(5)
        ]

    assert dealt() == dealt()


def test_a_share_is_no_more_than_all() -> None:
    with pytest.raises(PatterConfigError):
        Faults(late=1.5)


def test_a_double_calls_nobody_else() -> None:
    hosts = HostMap("http://127.0.0.1:8000", "a.example.com")
    assert hosts.http("https://a.example.com/x?y=1") == "http://127.0.0.1:8000/x?y=1"
    assert hosts.socket("wss://a.example.com/m/t") == "ws://127.0.0.1:8000/m/t"
    with pytest.raises(InputError):
        hosts.http("https://elsewhere.example.com/x")
