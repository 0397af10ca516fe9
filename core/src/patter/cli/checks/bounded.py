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

from patter.cli.checks.finding import Finding, bad
from patter.errors import PatterError

LIMIT_S = 5.0
T = TypeVar("T")


@attrs.frozen
class Check:
    """*ask* finds out; what goes wrong in it is told under *name*. *who* is asked, if somebody.

    *times*: who is asked may tell the time, so clocks can be compared. *more*: other checks
    that this one may tell of.
    """

    name: str
    ask: Callable[[], Awaitable[list[Finding]]]
    who: str = ""
    times: bool = False
    more: tuple[str, ...] = ()
    limit_s: float = LIMIT_S

    @property
    def names(self) -> tuple[str, ...]:
        """Every check it may tell of."""
        return (self.name, *self.more, *(("clock",) if self.times else ()))


async def asked(check: Check, worded: Callable[[str], str] = str) -> list[Finding]:
    """What *check* finds; *worded* goes over the words of errors. Never raises an Exception."""
    try:
        async with asyncio.timeout(check.limit_s):
            return await check.ask()
    except PatterError as error:
        return [bad(check.name, worded(error.message), worded(error.fix))]
    except TimeoutError:
        who = check.who or f"the check {check.name!r}"
        return [bad(check.name, f"{who} did not answer within {check.limit_s:g} s", "try again")]
    except Exception as exc:
        return [broken(check, exc)]


def broken(check: Check, exc: Exception) -> Finding:
    """The check itself failed: where, but not in its words, for a secret may be among them."""
    last = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    whose = f"the check of {check.who}" if check.who else f"the check {check.name!r}"
    fix = f"tell the authors of {check.who or 'Patter'}"
    return bad(check.name, f"{whose} broke: {type(exc).__name__} ({where})", fix)


async def in_thread(work: Callable[[], T]) -> T:
    """What *work* returns, on a thread that nobody waits for should it hang."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not done.done():
            settle()

    def run() -> None:
        try:
            result = work()
            settle: Callable[[], None] = lambda: done.set_result(result)  # noqa: E731
        except Exception as exc:
            failure = exc
            settle = lambda: done.set_exception(failure)  # noqa: E731
        with suppress(RuntimeError):  # the loop may be gone: nobody waits any more
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=run, name="patter-doctor", daemon=True).start()
    return await done
