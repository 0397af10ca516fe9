"""Finds what blocks the event loop: a thread that looks at the loop's stack while it is blocked.

The loop only notes the time in a timer; everything else happens on the watching thread, so that
a healthy loop pays a timer a few times a second and nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import attrs

from patter.clock import machine_ms
from patter.errors import InternalError

log = logging.getLogger("patter.server")
Blamed: TypeAlias = tuple[str, str, int]
_LOOP = str(Path(asyncio.__file__).parent)
_OURS = str(Path(__file__).parent.parent)
_PACKAGE = re.compile(r"patter-")
"""A package of Patter, or a plugin: the application cannot make it wait elsewhere."""


@attrs.frozen
class Stall:
    """The loop was blocked for at least *ms* by *function*, at *line* of *file*."""

    function: str
    file: str
    line: int
    ms: int

    @property
    def owner(self) -> str:
        """Whose code it is: empty for the application's, else a package."""
        return _owner(self.file)

    def error(self) -> InternalError:
        """The stall as an error that says whose code it was, with a fix that can help."""
        where = f"{Path(self.file).name}:{self.line}"
        blocked = f"blocked the event loop {self.ms} ms ({where})"
        if not self.owner:
            fix = "make it async, or a plain def, which runs in a thread"
            return InternalError(f"your {self.function!r} {blocked}", fix=fix)
        if _PACKAGE.match(self.owner):
            fix = "nothing of yours: is the machine busy? Else tell the authors of that package"
            return InternalError(f"{self.function!r} of {self.owner} {blocked}", fix=fix)
        return InternalError(
            f"{self.function!r} of the library {self.owner} {blocked}",
            fix=f"where you call {self.owner}: await asyncio.to_thread(...)",
        )


OnStall: TypeAlias = Callable[[Stall], object]


def warn(stall: Stall) -> None:
    """Log *stall* with its fix."""
    error = stall.error()
    log.error("error[%s]: %s; fix: %s", error.code, error.message, error.fix)


@attrs.frozen
class StallWatch:
    """Reports a stall longer than *limit_ms*, once, when it is over, to *on_stall* on the loop."""

    limit_ms: int = attrs.field(default=200, validator=attrs.validators.ge(10))
    on_stall: OnStall = warn

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the running loop while inside."""
        pulse = _Pulse(asyncio.get_running_loop(), self.limit_ms, self.on_stall)
        watcher = threading.Thread(target=pulse.watch, name="patter-stalls", daemon=True)
        pulse.beat()
        watcher.start()
        try:
            yield
        finally:
            pulse.stop()
            await asyncio.to_thread(watcher.join)


@attrs.define(eq=False)
class _Pulse:
    """The loop's heartbeat, and the thread that listens to it."""

    loop: asyncio.AbstractEventLoop
    limit_ms: float
    on_stall: OnStall
    _loop_thread: int = attrs.field(factory=threading.get_ident, init=False)
    _due_ms: float = attrs.field(factory=machine_ms, init=False)
    _blamed: Blamed | None = attrs.field(default=None, init=False)
    _stopped: threading.Event = attrs.field(factory=threading.Event, init=False)
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    def beat(self) -> None:
        """On the loop: note the time, and report the stall that the watcher has seen, if any."""
        late_ms = machine_ms() - self._due_ms
        if (blamed := self._blamed) is not None:
            self._blamed = None
            self.on_stall(Stall(*blamed, round(late_ms)))
        # Twice per limit: a stall then begins at most half a limit after the last beat, and the
        # time that is reported is that much too short at worst.
        wait_ms = self.limit_ms / 2
        self._due_ms = machine_ms() + wait_ms
        self._timer = self.loop.call_later(wait_ms / 1_000, self.beat)

    def stop(self) -> None:
        """On the loop: end the watching."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def watch(self) -> None:
        """On the watching thread: look at the loop's stack once its beat is late."""
        wait_ms = self.limit_ms
        while not self._stopped.wait(wait_ms / 1_000):
            wait_ms = self._due_ms + self.limit_ms - machine_ms()
            if wait_ms <= 0:
                wait_ms = self.limit_ms
                # The first look counts: what blocked the loop for the whole limit, not what
                # happens to run when it is nearly over.
                if self._blamed is None:
                    self._blamed = blame(sys._current_frames().get(self._loop_thread))


def blame(frame: FrameType | None) -> Blamed | None:
    """Return function, file and line that block the loop at *frame*; None if it only waits.

    The innermost frame of the application, else of Patter, else the innermost of all.
    """
    frames = _in_handler(list(_outwards(frame)))
    if not frames or frames[0].f_code.co_filename.endswith("selectors.py"):
        return None
    theirs = (each for each in frames if _is_theirs(each.f_code.co_filename))
    ours = (each for each in frames if each.f_code.co_filename.startswith(_OURS))
    plugins = (each for each in frames if _PACKAGE.match(_owner(each.f_code.co_filename)))
    culprit = next(theirs, None) or next(plugins, None) or next(ours, None) or frames[0]
    return culprit.f_code.co_name, culprit.f_code.co_filename, culprit.f_lineno


def _in_handler(frames: list[FrameType]) -> list[FrameType]:
    """The frames of the callback the loop runs; a loop of its own kind is cut off below it."""
    handler = list(takewhile(lambda each: not _runs_handles(each), frames))
    return handler if len(handler) < len(frames) else list(takewhile(_is_called_by_loop, frames))


def _runs_handles(frame: FrameType) -> bool:
    """Is it asyncio's loop at a callback, or what runs a loop that has no frames, as uvloop?"""
    code = frame.f_code
    if not code.co_filename.startswith(_LOOP):
        return False
    place = code.co_filename.removeprefix(_LOOP).strip("/\\"), code.co_name
    return place in (("events.py", "_run"), ("runners.py", "run"))


def _is_called_by_loop(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_LOOP)


def _is_theirs(file: str) -> bool:
    return not file.startswith("<") and not _owner(file)


@cache
def _libraries() -> tuple[str, str]:
    """Where what is not the application's is installed."""
    import sysconfig  # for whoever has a stall: nobody else waits for it

    return sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")


def _owner(file: str) -> str:
    """The package *file* is of: ours, a plugin's, a library's; empty for the application's."""
    if file.startswith(_OURS):
        return "patter-core"
    folders = Path(file).parts[:-1]
    # A plugin is one wherever it is: installed, or in the checkout of who develops it.
    for folder in folders:
        if folder.startswith("patter_"):
            return folder.replace("_", "-")
    if not file.startswith(_libraries()):
        return ""
    purelib = next((i for i, each in enumerate(folders) if each.endswith("-packages")), None)
    below = (*folders, Path(file).stem)[purelib + 1 :] if purelib is not None else ("Python",)
    return below[0]


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
