"""Imports plugins on threads of their own, so that one that exits or hangs ends nothing else.

Python cannot stop a thread. An import that takes too long is given up: its thread goes on, what
it was to import is not used, and nobody waits for it a second time.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from patter.application import containment
from patter.errors import InternalError, PluginError
from patter.plugins.catalogue import EXTENSION, LIMIT_S, Candidate

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint


@attrs.frozen
class ImportResult:
    """The *thing* that an entry point names, or what its import *raised*: never more than that."""

    thing: Any = None
    raised: Exception | None = None


@attrs.define(eq=False)
class ImportAttempt:
    """One import that runs or has run. *overdue*: somebody has waited for it in vain."""

    result: Future[ImportResult] = attrs.field(factory=Future)
    overdue: bool = False

    def wait(self, limit_s: float) -> None:
        """Wait for its end, at most *limit_s* seconds; not at all if somebody did already."""
        wait([self.result], 0 if self.overdue else limit_s)
        self.overdue = not self.result.done()

    def run(self, entry_point: EntryPoint) -> None:
        """Import; whatever the code of the plugin does short of ending the process is a result."""
        try:
            with containment():
                result = ImportResult(thing=entry_point.load())
        except Exception as raised:
            result = ImportResult(raised=raised)
        self.result.set_result(result)


_STANDARD = str(Path(threading.__file__).parent)
_SITES = frozenset({"site-packages", "dist-packages"})
_OURS = str(Path(__file__).parent.parent)
# What hangs is locked in the whole process, whoever asks for it: this cannot be a registry's.
_RUNNING: dict[str, ImportAttempt] = {}
_LOCK = threading.Lock()


def begin(candidate: Candidate) -> ImportAttempt:
    """Begin to import what *candidate* names, or join those who have; returns at once."""
    entry_point = candidate.entry_point
    # While this thread imports that package, another would wait for us, and we for it.
    if _is_importing(entry_point.module.partition(".")[0]):
        attempt = ImportAttempt()
        attempt.run(entry_point)
        return attempt
    with _LOCK:
        if (running := _RUNNING.get(entry_point.value)) is not None:
            return running
        attempt = _RUNNING[entry_point.value] = ImportAttempt()
    _start(entry_point, attempt)
    return attempt


def load(candidate: Candidate, limit_s: float = LIMIT_S) -> Any:
    """What *candidate* names, imported within *limit_s* seconds. Raises PluginError."""
    attempt = begin(candidate)
    attempt.wait(limit_s)
    if attempt.overdue:
        raise PluginError(
            f"{candidate.label} cannot be imported: it took longer than {limit_s:g} s",
            fix=f"{remedy(candidate)}, or PATTER_PLUGINS_LIMIT_S=60 if it only needs longer",
        )
    result = attempt.result.result()
    if result.raised is not None:
        upgrade = f"pip install --upgrade {candidate.distribution}"
        raise PluginError(
            f"{candidate.label} cannot be imported: {reason(result.raised)}{place(result.raised)}",
            fix=remedy(candidate) if isinstance(result.raised, InternalError) else upgrade,
        ) from result.raised
    return result.thing


async def imported(candidate: Candidate, limit_s: float = LIMIT_S) -> None:
    """Wait as `load` would, while the loop goes on; what came of it, `load` says at once."""
    attempt = begin(candidate)
    if not attempt.overdue:
        await asyncio.wait([asyncio.wrap_future(attempt.result)], timeout=limit_s)
        attempt.overdue = not attempt.result.done()


def remedy(candidate: Candidate) -> str:
    """What helps while nobody has changed *candidate*, as a fix: an extension is not needed."""
    if candidate.kind == EXTENSION:
        return f"PATTER_DISABLE_PLUGINS={candidate.distribution}"
    return f"pip install --upgrade {candidate.distribution}, or tell its authors"


def reason(raised: BaseException) -> str:
    """What *raised* says, on its own: a fix in it is for whoever wrote the plugin."""
    message = getattr(raised, "message", None)
    try:
        return str(message) if isinstance(message, str) else f"{type(raised).__name__}: {raised}"
    except Exception:  # the class of an exception may do anything when it is printed
        return type(raised).__name__


def place(raised: BaseException) -> str:
    """Where *raised* comes from, as `` (patter_acme/stt.py:7)``; empty where no file is to blame.

    The innermost frame that is neither of the import system nor of this package.
    """
    # Of one that exits or interrupts, what it raised is behind the error that is made of it.
    raised = raised.__cause__ or raised
    if isinstance(raised, SyntaxError) and raised.filename:
        return f" ({_short(raised.filename)}:{raised.lineno})"
    frames = traceback.extract_tb(raised.__traceback__)
    theirs = [each for each in frames if _is_theirs(each.filename)]
    return f" ({_short(theirs[-1].filename)}:{theirs[-1].lineno})" if theirs else ""


def _is_theirs(file: str) -> bool:
    parts = Path(file).parts
    standard = file.startswith(_STANDARD) and _SITES.isdisjoint(parts)
    return not (standard or file.startswith(("<", _OURS)) or "pluggy" in parts)


def _short(file: str) -> str:
    """The last two parts of the path *file*: enough to find it, whatever the machine."""
    return "/".join(Path(file).parts[-2:])


def _is_importing(package: str) -> bool:
    """Is this thread in the middle of a module of *package*?"""
    for frame, _ in traceback.walk_stack(None):
        name = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>" and name.partition(".")[0] == package:
            return True
    return False


def _start(entry_point: EntryPoint, attempt: ImportAttempt) -> None:
    context = contextvars.copy_context()

    def work() -> None:
        context.run(attempt.run, entry_point)
        with _LOCK:
            del _RUNNING[entry_point.value]

    # A daemon: what hangs in an import does not keep the process from ending.
    threading.Thread(target=work, name=f"patter-import-{entry_point.name}", daemon=True).start()
