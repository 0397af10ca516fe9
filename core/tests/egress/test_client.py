"""A request goes to the addresses that were checked, or nowhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from patter.egress.client import CheckedResolver, Lookup, client_with
from patter.egress.policy import EgressPolicy
from patter.errors import EgressError

from .sites import site

PUBLIC = EgressPolicy()


def answering(*addresses: str) -> Lookup:
    """A name server that gives the next of *addresses* each time it is asked."""
    left = list(addresses)

    async def lookup(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        every = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in every.split()]

    return lookup


@asynccontextmanager
async def client(policy: EgressPolicy, *addresses: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with client_with(CheckedResolver(policy, answering(*addresses))) as session:
        yield session


async def ok(request: web.Request) -> web.Response:
    return web.json_response("ok")


async def test_a_name_of_this_machine_is_refused_whatever_it_is_called() -> None:
    async with site(ok) as here, client(PUBLIC, "127.0.0.1") as session:
        for name in ("127.0.0.1.nip.io", "localtest.me", "tools.example."):
            with pytest.raises(EgressError):
                await session.post(f"http://{name}:{here.port}/")
        assert not here.requests


async def test_one_inner_address_among_others_is_enough() -> None:
    async with site(ok) as here, client(PUBLIC, "8.8.8.8 127.0.0.1") as session:
        with pytest.raises(EgressError):
            await session.get(f"http://tools.example:{here.port}/")
        assert not here.requests


async def test_a_name_that_moves_after_it_was_checked_is_not_followed() -> None:
    """The second answer is an inner one: whoever asks again is refused, and nobody connects."""
    policy = EgressPolicy.of(["127.0.0.2"])
    async with site(ok) as here, client(policy, "127.0.0.2", "127.0.0.1") as session:
        url = f"http://rebinding.example:{here.port}/"
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
        connector: Any = session.connector
        connector.clear_dns_cache()
        with pytest.raises(EgressError):
            await session.get(url)
        assert not here.requests


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::ffff:7f00:1]"]
)
async def test_an_address_is_checked_though_nobody_resolves_it(host: str) -> None:
    async with site(ok) as here, client(PUBLIC, "8.8.8.8") as session:
        with pytest.raises((EgressError, aiohttp.ClientError)):
            await session.get(f"http://{host}:{here.port}/")
        with pytest.raises((EgressError, aiohttp.ClientError)):
            await session.ws_connect(f"ws://{host}:{here.port}/")
        assert not here.requests


async def test_what_is_allowed_is_reached_by_its_name() -> None:
    policy = EgressPolicy.of(["tools.internal"])
    async with site(ok) as here, client(policy, "127.0.0.1") as session:
        async with session.get(f"http://tools.internal:{here.port}/") as answer:
            assert await answer.json() == "ok"
        with pytest.raises(EgressError):
            await session.get(f"http://other.internal.example:{here.port}/")


async def test_a_redirect_is_not_followed() -> None:
    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    async with site(away) as here, client(EgressPolicy.of(allow_loopback=True), "127.0.0.1") as one:
        with pytest.raises(aiohttp.ClientError, match="redirect"):
            await one.get(here.url)


async def test_a_name_server_that_never_answers_is_waited_for_no_longer_than_a_connection() -> None:
    async def never(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        raise TimeoutError

    async with client_with(CheckedResolver(PUBLIC, never)) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://tools.example/")


async def test_the_system_resolver_answers_in_a_thread() -> None:
    from patter.egress.client import looked_up

    rows = await asyncio.wait_for(looked_up("localhost", 80, socket.AF_INET), 5)
    assert rows[0][4][0] == "127.0.0.1"
