"""A site on 127.0.0.1 leaves nothing behind, whoever came to it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from aiohttp import ClientSession, web

from patter_testing import site


class Host:
    """Answers nobody, and notes who had to stop waiting for it."""

    def __init__(self) -> None:
        self.came, self.stopped = asyncio.Event(), asyncio.Event()

    async def wait(self, request: web.Request) -> NoReturn:
        self.came.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()
        raise AssertionError("nobody sets that event")

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self.wait)
        return app


async def test_an_answer_whose_client_has_gone_ends_with_the_site() -> None:
    host = Host()
    async with site(host.app()) as url, ClientSession() as http:
        asking = asyncio.ensure_future(http.get(url))
        await host.came.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0.02)
        assert not host.stopped.is_set()
    assert host.stopped.is_set()


async def test_vendors_that_listen_stop_an_answer_when_its_client_goes() -> None:
    host = Host()
    async with site(host.app(), handler_cancellation=True) as url, ClientSession() as http:
        asking = asyncio.ensure_future(http.get(url))
        await host.came.wait()
        asking.cancel()
        async with asyncio.timeout(2):
            await host.stopped.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking
