"""Connections that have not made a request yet: bounded in number and in time.

Requests are limited per address only once their headers are complete. Until then a connection
is bounded here: one that stays silent is dropped, and of too many the oldest go first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
from aiohttp.web_protocol import RequestHandler


@attrs.define(eq=False)
class IdleConnections:
    """At most about *most* connections without a request, each for at most *wait_s* seconds."""

    wait_s: float = 10.0
    most: int = 1_024
    _silent: dict[RequestHandler, asyncio.TimerHandle] = attrs.field(factory=dict, init=False)

    def tracked(self, make: Callable[[], RequestHandler]) -> Callable[[], RequestHandler]:
        """Return *make*, with each connection it makes counted as idle at first."""

        def connect() -> RequestHandler:
            handler = make()
            self._expect(handler)
            self._trim()
            return handler

        return connect

    def request_received(self, handler: RequestHandler) -> None:
        """Stop counting *handler* as idle: its first request is complete."""
        if (timer := self._silent.pop(handler, None)) is not None:
            timer.cancel()

    def close(self) -> None:
        """Drop the idle connections, and those that were accepted but reach us only now."""
        # With no wait, a connection that is made after this is dropped at once as well.
        self.wait_s = 0.0
        for handler in tuple(self._silent):
            self.request_received(handler)
            self._expect(handler)

    def _expect(self, handler: RequestHandler) -> None:
        """Drop *handler* unless its first request comes in time."""
        # Through a timer even when there is no wait: a handler gets its transport after it was
        # made, and without one there is nothing to abort.
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(self.wait_s, self._drop, handler)

    def _trim(self) -> None:
        """Drop the oldest of too many; those just made have no transport to drop yet."""
        if (excess := len(self._silent) - self.most) > 0:
            droppable = [each for each in self._silent if each.transport is not None]
            for handler in droppable[:excess]:
                self._drop(handler)

    def _drop(self, handler: RequestHandler) -> None:
        self.request_received(handler)
        if handler.transport is not None:
            handler.transport.abort()
