"""Makes requests to stop of the process's signals: one of them reaches every phone that serves.

SIGTERM, Ctrl-C and SIGHUP are such requests from before anything is opened until all is closed.
Python delivers signals to the main thread only: where no phone serves on it, none is heard.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs

from patter.server.drain import Stopping

# Windows has no SIGHUP.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
log = logging.getLogger("patter.server")


@attrs.define(eq=False)
class StopSignals:
    """Who is to stop, each on its own event loop, when the process is told to."""

    _members: dict[Stopping, asyncio.AbstractEventLoop] = attrs.field(factory=dict, init=False)
    _on_main: set[Stopping] = attrs.field(factory=set, init=False)
    _before: dict[signal.Signals, Any] = attrs.field(factory=dict, init=False)
    _loop: asyncio.AbstractEventLoop | None = attrs.field(default=None, init=False)

    def add(self, stopping: Stopping) -> None:
        """From now on a signal is a request to *stopping*, on the running loop."""
        self._members[stopping] = loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            self._on_main.add(stopping)
            if not self._before:
                self._install(loop)

    def remove(self, stopping: Stopping) -> None:
        """Leave *stopping* alone; after the last one on the main thread, signals are as before."""
        del self._members[stopping]
        if stopping in self._on_main:
            self._on_main.remove(stopping)
            if not self._on_main:
                self._uninstall()

    def __contains__(self, stopping: Stopping) -> bool:
        return stopping in self._members

    def _ask(self) -> None:
        if all(each.now.is_set() for each in self._members):
            log.warning("still stopping; the next signal ends the process as it is")
            self._uninstall()
        for stopping, loop in list(self._members.items()):
            # That loop may have been closed in its thread meanwhile: nothing is left to stop.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.ask)

    def _install(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        for each in SIGNALS:
            before = signal.getsignal(each)
            # As under nohup: the process is to outlive its terminal.
            if each.name == "SIGHUP" and before is signal.SIG_IGN:
                continue
            self._before[each] = before
            try:
                loop.add_signal_handler(each, self._ask)
            except NotImplementedError:  # the loop of Windows
                signal.signal(each, lambda *_: self._ask())

    def _uninstall(self) -> None:
        for each, before in self._before.items():
            with suppress(NotImplementedError, RuntimeError):
                if self._loop is not None:
                    self._loop.remove_signal_handler(each)
            signal.signal(each, before if before is not None else signal.SIG_DFL)
        self._before.clear()


PROCESS = StopSignals()
"""The one of the process, which has its signals only once."""


@asynccontextmanager
async def signalled(stopping: Stopping) -> AsyncIterator[None]:
    """Turn the process's signals into requests to stop while inside; inside itself it is nothing.

    After the first two, which drain and stop at once, a third gives signals their former meaning.
    """
    if stopping in PROCESS:
        yield
        return
    PROCESS.add(stopping)
    try:
        yield
    finally:
        PROCESS.remove(stopping)
