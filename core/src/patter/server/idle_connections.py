"""Connections that have not asked for anything yet: not many, and not for long.

Until its first request is complete a connection belongs to no address's account, so it is
bounded here: who stays silent is dropped, and when too many do, the oldest goes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
from aiohttp.web_protocol import RequestHandler


@attrs.define(eq=False)
class Strangers:
    """No more than about *most* silent connections, each for at most *wait_s* seconds."""

    wait_s: float = 10.0
    most: int = 1_024
    _silent: dict[RequestHandler, asyncio.TimerHandle] = attrs.field(factory=dict, init=False)

    def met_by(self, make: Callable[[], RequestHandler]) -> Callable[[], RequestHandler]:
        """Return *make*, with everything it makes being a stranger at first."""

        def meet() -> RequestHandler:
            handler = make()
            self._expect(handler)
            self._trim()
            return handler

        return meet

    def spoke(self, handler: RequestHandler) -> None:
        """It has asked for something; no stranger any more."""
        if (timer := self._silent.pop(handler, None)) is not None:
            timer.cancel()

    def leave(self) -> None:
        """Drop who is there, and who was accepted but comes only now: nobody listens any more."""
        self.wait_s = 0.0
        for handler in tuple(self._silent):
            self.spoke(handler)
            self._expect(handler)

    def _expect(self, handler: RequestHandler) -> None:
        """Wait for its first request; a timer even of no time lets it get its transport first."""
        loop = asyncio.get_running_loop()
        self._silent[handler] = loop.call_later(self.wait_s, self._drop, handler)

    def _trim(self) -> None:
        """Drop the oldest of too many; those just accepted have no transport to drop yet."""
        if (excess := len(self._silent) - self.most) > 0:
            there = [each for each in self._silent if each.transport is not None]
            for handler in there[:excess]:
                self._drop(handler)

    def _drop(self, handler: RequestHandler) -> None:
        self.spoke(handler)
        if handler.transport is not None:
            handler.transport.abort()
