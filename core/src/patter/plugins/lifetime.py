"""Calls a hook of each loaded plugin on its own, so that a failing extension is skipped.

The failure is logged with distribution and version. With strict switches it raises instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, TypeVar

import attrs

T = TypeVar("T")
log = logging.getLogger("patter.plugins")


@attrs.frozen
class Isolation:
    """What becomes of an Exception of plugin *label*: passed on, or logged and forgotten."""

    label: str
    tolerant: bool

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Run the plugin's code; *doing* ends the sentence "failed to ..." in the log."""
        try:
            yield
        # Not BaseException: a cancelled call has to end, whatever plugin it is in.
        except Exception:
            if not self.tolerant:
                raise
            log.exception("%s failed to %s and is skipped", self.label, doing)


@attrs.define(eq=False)
class IsolatedScope:
    """A plugin's scope whose failure does not reach the server or the call inside it.

    Entering and leaving are bounded by *limit_s*; it sees the body's exception but cannot
    suppress or replace it.
    """

    isolation: Isolation
    scope: AbstractAsyncContextManager[object]
    limit_s: float
    _entered: bool = attrs.field(default=False, init=False)

    async def __aenter__(self) -> None:
        with self.isolation.guard("enter its scope"):
            async with asyncio.timeout(self.limit_s):
                await self.scope.__aenter__()
            self._entered = True

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._entered:
            return
        with self.isolation.guard("leave its scope"):
            try:
                async with asyncio.timeout(self.limit_s):
                    await self.scope.__aexit__(kind, exc, trace)
            except BaseException as raised:
                # A scope may pass on the body's exception by raising it: no failure of its own.
                if raised is not exc:
                    raise


@attrs.frozen
class HookQuery:
    """One plugin's implementation of a hook, ready to be called."""

    isolation: Isolation
    caller: Callable[..., list[Any]]
    arguments: Mapping[str, Any]

    def answer(self, doing: str, read: Callable[[Any], T]) -> T | None:
        """What the plugin returns, through *read*; None when it has nothing or failed."""
        with self.isolation.guard(doing):
            for returned in self.caller(**self.arguments):
                return read(returned)
        return None


def scope_of(returned: Any) -> AbstractAsyncContextManager[object]:
    """*returned*, if it is an async context manager. Raises TypeError."""
    if not hasattr(returned, "__aenter__") or not hasattr(returned, "__aexit__"):
        raise TypeError(f"a scope is an async context manager, not {type(returned).__name__}")
    scope: AbstractAsyncContextManager[object] = returned
    return scope


def listeners_of(returned: Any) -> dict[type | str, Callable[..., object]]:
    """*returned*, if it maps event classes, or their names, to callables. Raises TypeError."""
    if not isinstance(returned, Mapping):
        raise TypeError(f"listeners are a mapping, not {type(returned).__name__}")
    for kind, listener in returned.items():
        if not isinstance(kind, type | str):
            raise TypeError(f"{kind!r} is not a class of event, nor the name of one")
        if not callable(listener):
            raise TypeError(f"the listener of {kind!r} is not callable")
    return dict(returned)
