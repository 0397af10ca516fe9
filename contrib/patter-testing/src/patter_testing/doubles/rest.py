"""The faults of a double's API, as middleware in front of its handlers."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from patter.clock import Clock
from patter_testing.doubles.faults import FaultInjector


def faulty(fate: FaultInjector, clock: Clock, refuse: Callable[[int], web.Response]) -> Middleware:
    """Slow down or refuse requests as *fate* has it; *refuse* writes the vendor's own error."""

    @web.middleware
    async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
        told = fate.request()
        if told.after_ms:
            await clock.sleep(told.after_ms)
        if told.status and not told.lost:
            return refuse(told.status)
        answer = await handler(request)
        return refuse(told.status) if told.lost else answer

    return meet
