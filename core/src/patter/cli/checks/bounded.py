"""Runs a check so that it cannot hurt the others: bounded in time, its failure a finding."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import attrs

from patter.application import containment
from patter.cli.checks.finding import Finding, bad
from patter.errors import InternalError, PatterError

# A vendor answers a health check within a second; a person waits for the whole report.
LIMIT_S = 5.0
T = TypeVar("T")


@attrs.frozen
class Check:
    """*ask* makes the check; its findings and failures are reported under *name*.

    *who* is the plugin that answers, if any. *times*: the answer may contain a time, so clocks
    can be compared. *more*: other names that this check may report under.
    """

    name: str
    ask: Callable[[], Awaitable[list[Finding]]]
    who: str = ""
    times: bool = False
    more: tuple[str, ...] = ()
    limit_s: float = LIMIT_S

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it may report under."""
        return (self.name, *self.more, *(("clock",) if self.times else ()))


async def run_check(check: Check, worded: Callable[[str], str] = str) -> list[Finding]:
    """The findings of *check*; *worded* filters the texts of errors. Never raises an Exception."""
    try:
        with containment():
            async with asyncio.timeout(check.limit_s):
                return await check.ask()
    except InternalError as error:
        who = check.who or f"the check {check.name!r}"
        return [bad(check.name, f"{who}: {worded(error.message)}", worded(error.fix))]
    except PatterError as error:
        return [bad(check.name, worded(error.message), worded(error.fix))]
    except TimeoutError:
        who = check.who or f"the check {check.name!r}"
        return [bad(check.name, f"{who} did not answer within {check.limit_s:g} s", "try again")]
    except Exception as exc:
        return [broken(check, exc)]


def broken(check: Check, exc: Exception) -> Finding:
    """The finding for a check that itself failed: where, without the exception's text."""
    # That text may contain a secret.
    last = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    whose = f"the check of {check.who}" if check.who else f"the check {check.name!r}"
    fix = f"tell the authors of {check.who or 'Patter'}"
    return bad(check.name, f"{whose} broke: {type(exc).__name__} ({where})", fix)


async def in_thread(work: Callable[[], T]) -> T:
    """What *work* returns, run on a thread that may be left behind if it hangs."""
    # Not `asyncio.to_thread`: its pool is joined at exit, and a hung check would keep the process.
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not done.done():
            settle()

    def run() -> None:
        try:
            with containment():
                result = work()
            settle: Callable[[], None] = lambda: done.set_result(result)  # noqa: E731
        except Exception as exc:
            failure = exc
            settle = lambda: done.set_exception(failure)  # noqa: E731
        with suppress(RuntimeError):  # the loop may be gone: nobody waits any more
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=run, name="patter-doctor", daemon=True).start()
    return await done
