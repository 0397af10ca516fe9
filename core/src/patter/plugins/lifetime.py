"""Calls a hook of each loaded plugin on its own, so that a failing extension is skipped.

The failure is logged with distribution and version. With strict switches it raises instead.
What a plugin raises is its own, `sys.exit` included: only the process's signals end the process.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, TypeVar

import attrs

from patter.application import containment
from patter.errors import InternalError, PatterError, PluginError, StartRefused
from patter.plugins.catalogue import Candidate
from patter.plugins.importing import place, reason, remedy

T = TypeVar("T")
log = logging.getLogger("patter.plugins")


@attrs.frozen
class Isolation:
    """What becomes of a failure of the plugin *candidate*: passed on, or logged and forgotten.

    Where it *may_refuse*, its StartRefused is no failure, and passes.
    """

    candidate: Candidate
    tolerant: bool
    may_refuse: bool = False

    def guard(self, doing: str) -> AbstractContextManager[None]:
        """Run the plugin's code, which may await; *doing* ends the sentence "failed to ...".

        Whatever it raises is its failure, an exit included; a cancellation from outside passes.
        Raises its PatterError as it is, and PluginError for anything else.
        """
        return self._guarded(doing, lambda: False)

    @contextmanager
    def guard_function(self, doing: str) -> Iterator[None]:
        """Like `guard`, for code that awaits nothing, where Ctrl-C may strike: that passes."""
        with interrupts_noted() as interrupted, self._guarded(doing, interrupted):
            yield

    @contextmanager
    def _guarded(self, doing: str, interrupted: Callable[[], bool]) -> Iterator[None]:
        try:
            with containment():
                yield
        except Exception as raised:
            if isinstance(raised.__cause__, KeyboardInterrupt) and interrupted():
                raise raised.__cause__ from None
            if self.may_refuse and isinstance(raised, StartRefused):
                raise
            if self.tolerant:
                # What it raised follows, by the formatter; its traceback where one is wanted.
                log.exception(
                    "%s failed to %s and is skipped%s; %s silences this",
                    self.candidate.label,
                    doing,
                    place(raised),
                    f"PATTER_DISABLE_PLUGINS={self.candidate.distribution}",
                )
            elif isinstance(raised, PatterError) and not isinstance(raised, InternalError):
                raise
            else:
                raise self._failure(doing, raised) from raised

    def _failure(self, doing: str, raised: Exception) -> PluginError:
        candidate = self.candidate
        return PluginError(
            f"{candidate.label} failed to {doing}: {reason(raised)}{place(raised)}",
            fix=remedy(candidate),
        )


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Tell whether Ctrl-C came inside, which is handled as before: a plugin can raise the same."""
    handler: Any = signal.getsignal(signal.SIGINT)
    interrupted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        handler(number, frame)

    # Other threads get no signals, and may not ask for them.
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, handler)


@attrs.frozen
class HookQuery:
    """One plugin's implementation of a hook, ready to be called."""

    isolation: Isolation
    caller: Callable[..., list[Any]]
    arguments: Mapping[str, Any]

    def answer(self, doing: str, read: Callable[[Any], T]) -> T | None:
        """What the plugin returns, through *read*; None when it has nothing or failed."""
        with self.isolation.guard_function(doing):
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
