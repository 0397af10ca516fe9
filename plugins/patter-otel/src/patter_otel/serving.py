"""Tracing for as long as a phone serves: on before the first call, flushed after the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter.threads import POOL
from patter_otel.switch import current
from patter_otel.traced_calls import ABORT_S, FLUSH_S
from patter_otel.tracing import init_tracing, shutdown_tracing

GRACE_S = 1.0


@attrs.define
class _Servers:
    """How many serve with tracing that the first of them has switched on."""

    count: int = 0
    ours: bool = False


_servers = _Servers()


@asynccontextmanager
async def traced_server(server: Any) -> AsyncIterator[None]:
    """Trace the calls of *server* while inside; on leaving, what waits is sent, within bounds.

    Tracing that the application has switched on itself is left on. Raises PatterConfigError.
    """
    # On threads: the secret of a log root, and the exporter's first import, come from the disk.
    threads, loop = POOL.of("patter-otel"), asyncio.get_running_loop()
    if not _servers.count:
        _servers.ours = current() is None
        await loop.run_in_executor(threads, init_tracing)
    if (tracing := current()) is not None and (log := getattr(server.served, "log", None)):
        tracing.redactor = log.redactor
    _servers.count += 1
    try:
        yield
    finally:
        _servers.count -= 1
        if _servers.ours and not _servers.count:
            ending = loop.run_in_executor(threads, shutdown_tracing)
            await asyncio.wait([ending], timeout=FLUSH_S + ABORT_S + GRACE_S)
