"""A web application on 127.0.0.1, for as long as a test or a double needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter.server.listening import listening, maker

HOST = "127.0.0.1"
SHUTDOWN_S = 0.5


@asynccontextmanager
async def site(
    app: web.Application, *, port: int = 0, handler_cancellation: bool = False
) -> AsyncIterator[str]:
    """Serve *app* while inside; yields its base URL, ``http://127.0.0.1:PORT``.

    On leaving, requests that are being answered get half a second; none goes on after it.
    *handler_cancellation* cancels an answer whose client has gone, as vendors stop what nobody
    listens to.
    """
    at_work = _AtWork()
    app.middlewares.insert(0, at_work.noted)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_S,
        handler_cancellation=handler_cancellation,
    )
    await runner.setup()
    try:
        async with listening(maker(runner), HOST, port) as taken:
            yield f"http://{HOST}:{taken}"
    finally:
        await runner.cleanup()
        await at_work.ended()


@attrs.define(eq=False)
class _AtWork:
    """The answers being given: aiohttp forgets those whose client has gone."""

    _tasks: set[asyncio.Task[object]] = attrs.field(factory=set, init=False)

    @web.middleware
    async def noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None, "aiohttp answers in a task"
        self._tasks.add(task)
        try:
            return await handler(request)
        finally:
            self._tasks.discard(task)

    async def ended(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=SHUTDOWN_S)
