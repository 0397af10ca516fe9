"""A web application on 127.0.0.1, for as long as a test or a double needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from patter.server.listening import listening, maker

HOST = "127.0.0.1"
SHUTDOWN_S = 0.5


@asynccontextmanager
async def site(
    app: web.Application, *, port: int = 0, handler_cancellation: bool = False
) -> AsyncIterator[str]:
    """Serve *app* while inside; yields its base URL, ``http://127.0.0.1:PORT``.

    On leaving, requests that are being answered get half a second. *handler_cancellation*
    cancels an answer whose client has gone, as vendors stop what nobody listens to.
    """
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
