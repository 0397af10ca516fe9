"""Listens on a port, and stops without leaving an accepted connection unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from patter.errors import InternalError
from patter.server.ports import bind_error

# A carrier that sends a burst of calls opens a connection for each webhook and each stream.
BACKLOG = 512

ACCEPTED_A_TURN = 16
"""Connections that are accepted before others have their turn; asyncio would take all there are."""


@asynccontextmanager
async def listening(
    factory: Callable[[], RequestHandler], host: str, port: int
) -> AsyncIterator[int]:
    """Serve connections to *host* and *port* while inside; yields the port, for 0 a free one.

    Raises PatterConfigError when it cannot be had.
    """
    loop = asyncio.get_running_loop()
    try:
        listener = await loop.create_server(factory, host, port, backlog=ACCEPTED_A_TURN)
        _let_wait(listener)
    except OSError as exc:
        raise bind_error(host, port, exc) from exc
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        await _stop_accepting(listener)


def _let_wait(listener: asyncio.Server) -> None:
    """Let more connections wait to be accepted than asyncio, which knows one number, takes."""
    for each in listener.sockets:
        with each.dup() as same:
            same.listen(BACKLOG)


def maker(runner: web.AppRunner) -> web.Server:
    """The protocol factory of *runner*, once that is set up."""
    if runner.server is None:
        raise InternalError("the application runner was not set up", fix="report this")
    return runner.server


async def _stop_accepting(listener: asyncio.Server) -> None:
    """Accept no more connections; those just accepted get a transport before *listener* closes."""
    # Closed at once, asyncio's selector loop would leave them open and unanswered
    # (github.com/python/cpython/issues/109564).
    loop = asyncio.get_running_loop()
    try:
        if isinstance(loop, asyncio.SelectorEventLoop):
            for socket in listener.sockets:
                loop.remove_reader(socket)
            await asyncio.sleep(0)
    finally:
        listener.close()
