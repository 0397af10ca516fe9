"""The faults of a double's API, as middleware in front of its handlers."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from patter.clock import Clock
from patter_testing.doubles.faults import FaultInjector


def faulty(
    injector: FaultInjector, clock: Clock, refuse: Callable[[int], web.Response]
) -> Middleware:
    """Slow down or refuse requests as *injector* has it; *refuse* writes the vendor's own error."""

    @web.middleware
    async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = injector.request()
        if refusal.after_ms:
            await clock.sleep(refusal.after_ms)
        if refusal.status and not refusal.lost:
            return refuse(refusal.status)
        answer = await handler(request)
        return refuse(refusal.status) if refusal.lost else answer

    return meet
