"""A plugin's scope, held by a task of its own: what fails in it ends it, and nothing around it.

A task group cancels the task that entered it when one of its tasks fails. Entered by the server or
by a call, a plugin's group would end that.
"""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, TypeAlias

import attrs

from patter.application import containment
from patter.plugins.lifetime import Isolation

Raised: TypeAlias = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
_MISSING = object()
GONE_S = 1.0
"""How long a scope that was told to end at once may take for it, before it is left to itself."""


@attrs.define(eq=False)
class IsolatedScope:
    """A plugin's scope whose failure does not reach the server or the call inside it.

    Entering and leaving are bounded by *limit_s*; it sees the body's exception but cannot
    suppress or replace it. Context variables that it sets hold inside.
    """

    isolation: Isolation
    scope: AbstractAsyncContextManager[object]
    limit_s: float
    _holder: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _entered: asyncio.Future[None] = attrs.field(init=False)
    _leaving: asyncio.Future[Raised] = attrs.field(init=False)
    _set: list[contextvars.Token[Any]] = attrs.field(factory=list, init=False)

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._entered, self._leaving = loop.create_future(), loop.create_future()
        context = contextvars.copy_context()
        name = f"scope-{self.isolation.candidate.distribution}"
        holder = loop.create_task(self._hold(), name=name, context=context)
        with self.isolation.guard("enter its scope"):
            await self._in_time(holder, self._entered)
            self._holder = holder
            self._adopt(context)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._holder is None:
            return
        for token in reversed(self._set):
            token.var.reset(token)
        with self.isolation.guard("leave its scope"):
            self._let_go((kind, exc, trace))
            await self._in_time(self._holder, self._holder)

    async def _in_time(self, holder: asyncio.Task[None], awaited: asyncio.Future[None]) -> None:
        """Wait for *awaited*; end *holder* if that takes too long, or nobody waits any more."""
        try:
            async with asyncio.timeout(self.limit_s):
                await asyncio.shield(awaited)
        except BaseException as given_up:
            # A scope that is entered after all, though it was cancelled, is left at once.
            self._let_go((type(given_up), given_up, given_up.__traceback__))
            holder.cancel()
            await asyncio.wait({holder}, timeout=GONE_S)
            raise

    def _let_go(self, raised: Raised) -> None:
        if not self._leaving.done():  # cancelled with the holder, where the scope is over
            self._leaving.set_result(raised)

    async def _hold(self) -> None:
        """Enter the scope and leave it again, when that is wanted or something in it has failed."""
        try:
            with containment():
                await self.scope.__aenter__()
        except Exception as raised:
            self._entered.set_exception(raised)
            self._entered.exception()  # looked at: nobody may wait for it any more
            return
        self._entered.set_result(None)
        try:
            raised_inside = await self._leaving
        except asyncio.CancelledError as cancelled:
            with self.isolation.guard("keep its scope"):
                await self.scope.__aexit__(type(cancelled), cancelled, cancelled.__traceback__)
            return
        with containment():
            await self._leave(*raised_inside)

    async def _leave(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.scope.__aexit__(kind, exc, trace)
        except BaseException as raised:
            # A scope may pass on the body's exception by raising it: no failure of its own.
            if raised is not exc:
                raise

    def _adopt(self, context: contextvars.Context) -> None:
        """Set what the scope has set, for whoever is inside."""
        for variable, value in context.items():
            if variable.get(_MISSING) is not value:
                self._set.append(variable.set(value))
