"""Clients of vendors are made once for all calls, and closed with the last user."""

from __future__ import annotations

import logging

import pytest
from aiohttp import ClientSession, web

from patter.client_pool import client_pool
from patter_testing import site


class Client:
    """A client that counts its closings, or refuses to close."""

    made = 0

    def __init__(self, fails: bool = False) -> None:
        Client.made += 1
        self.closed: int = 0
        self.fails = fails

    def times_closed(self) -> int:
        return self.closed

    async def aclose(self) -> None:
        self.closed += 1
        if self.fails:
            raise OSError("stuck")


async def test_whoever_asks_for_the_same_gets_the_same() -> None:
    async with client_pool() as pool:
        first = pool.client("a", Client)
        async with client_pool() as again:
            assert again.client("a", Client) is first
            assert again.client("b", Client) is not first
        assert first.times_closed() == 0, "somebody is still inside"
    assert first.times_closed() == 1


async def test_what_was_closed_is_made_anew() -> None:
    async with client_pool() as pool:
        first = pool.client("a", Client)
    async with client_pool() as pool:
        assert pool.client("a", Client) is not first


async def test_a_client_that_does_not_close_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        async with client_pool() as pool:
            pool.client("stuck", lambda: Client(fails=True))
            good = pool.client("good", Client)
    assert good.closed == 1
    assert "Client could not be closed" in caplog.text


async def test_requests_of_two_calls_share_one_connection() -> None:
    ports = set[int]()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"cookie": request.headers.get("Cookie", "")})

    app = web.Application()
    app.router.add_get("/", answer)
    async with site(app) as url, client_pool():
        for _ in range(3):
            async with client_pool() as pool, pool.http.get(url) as response:
                assert await response.json() == {"cookie": ""}
    assert len(ports) == 1


async def test_the_http_client_is_closed_with_the_pool() -> None:
    async with client_pool() as pool:
        client = pool.http
        assert isinstance(client, ClientSession)
    assert client.closed
