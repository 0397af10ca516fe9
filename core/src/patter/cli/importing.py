"""Imports the module of a target, within a time, and says what keeps it from being imported.

A module is imported for what it defines. One that serves, waits or computes meanwhile never gets
to that: after a while it is said where it is, and then it is given up.
"""

from __future__ import annotations

import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType

import attrs

from patter import env
from patter.errors import InputError, PatterConfigError, PatterError
from patter.plugins.overrides import being_imported

VARIABLE = "PATTER_IMPORT_LIMIT_S"
LIMIT_S, MOST_S = 60.0, 3_600.0
"""How long an import may take unless the variable says otherwise, and at most."""
NOTE_S = 3.0
_REMEDY = 'put what runs under: if __name__ == "__main__":'
_LIBRARIES = (
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    str(Path(__file__).parent.parent),
    "<",
)


def imported(path: str, note: Callable[[str], object]) -> ModuleType:
    """The module *path*, found in this directory or installed; *note* is told if it takes long.

    Raises PatterConfigError, and the PatterErrors of the module itself.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    with _watched(path, note) as watch:
        try:
            with being_imported(path):
                return import_module(path)
        except PatterError:
            raise
        except KeyboardInterrupt:
            if watch.given_up:
                raise watch.error() from None
            raise
        except ModuleNotFoundError as exc:
            if exc.name == path.partition(".")[0]:
                raise PatterConfigError(
                    f"there is no module {path!r} here", fix="run it in the directory of that file"
                ) from exc
            raise _broken(path, exc) from exc
        except BaseException as exc:  # a module that exits would end us without a word
            raise _broken(path, exc) from exc


def limit_s() -> float:
    """How long an import may take, in seconds. Raises InputError for a variable that is no time."""
    text = env.read(VARIABLE) or str(LIMIT_S)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= MOST_S:
        raise InputError(
            f"{VARIABLE} is {text!r}, which is not a time up to {MOST_S:g} s",
            fix=f"{VARIABLE}=120, or leave it unset",
        )
    return seconds


@attrs.define(eq=False)
class ImportWatch:
    """A thread that looks where the main thread is while it imports *path*."""

    path: str
    limit_s: float
    note: Callable[[str], object]
    given_up: bool = attrs.field(default=False, init=False)
    _place: str = attrs.field(default="", init=False)
    _importing: int = attrs.field(factory=threading.get_ident, init=False)
    _done: threading.Event = attrs.field(factory=threading.Event, init=False)

    def error(self) -> PatterConfigError:
        """What is said of a module that was given up."""
        return PatterConfigError(
            f"{self.path} is not imported after {self.limit_s:g} s: it is {self._place}",
            fix=f"{_REMEDY} if it only needs longer, {VARIABLE}=300",
        )

    def watch(self) -> None:
        """On its own thread: tell after a while, give up after the limit."""
        first_s = min(NOTE_S, self.limit_s)
        if self._done.wait(first_s):
            return
        if first_s < self.limit_s:
            self.note(f"importing {self.path} takes long: {first_s:g} s, {self._where()}")
        if self._done.wait(self.limit_s - first_s):
            return
        self._place, self.given_up = self._where(), True
        # As if somebody had pressed Ctrl-C: nothing else wakes a thread that waits in C.
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._importing, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)

    def stop(self) -> None:
        """The import is over."""
        self._done.set()

    def _where(self) -> str:
        frame = sys._current_frames().get(self._importing)
        theirs = next(filter(_is_theirs, _outwards(frame)), None)
        if theirs is None:
            return "in a library"
        return f"at {Path(theirs.f_code.co_filename).name}:{theirs.f_lineno}"


@contextmanager
def _watched(path: str, note: Callable[[str], object]) -> Iterator[ImportWatch]:
    watch = ImportWatch(path, limit_s(), note)
    # Only the main thread can be interrupted; elsewhere an import takes as long as it takes.
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    thread = threading.Thread(target=watch.watch, name=f"patter-importing-{path}", daemon=True)
    thread.start()
    try:
        with _interruptible():
            yield watch
    finally:
        watch.stop()
        thread.join()


@contextmanager
def _interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and would never be woken."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _broken(path: str, exc: BaseException) -> PatterConfigError:
    last = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    if isinstance(exc, SyntaxError) and exc.filename:
        where = f"{Path(exc.filename).name}:{exc.lineno}"
    return PatterConfigError(
        f"{path} cannot be imported: {type(exc).__name__}: {exc} ({where})",
        fix=f"see it whole: python -c 'import {path}'",
    )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_theirs(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_LIBRARIES)
