"""Calling functions of the application: blocking ones in a thread, async ones on the loop.

What a function raises is an error of its own: `sys.exit`, an interrupt or a cancellation that it
made itself ends neither the call nor the process. A cancellation from outside passes.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from patter.errors import InternalError
from patter.threads import POOL

CLOSE_S = 1.0
"""How long a generator that nobody reads any more may take to clean up."""

_END: Any = object()
# A future that is given one of these would not be done, or would look cancelled.
_STRANGE = (StopIteration, concurrent.futures.CancelledError)


async def result_of(
    function: Callable[..., Any],
    *args: Any,
    owner: str,
    made: Callable[[Any], Any] = lambda answer: answer,
) -> Any:
    """What *function* returns, awaited where it is async; *owner* is the id of the call.

    *made* turns it into something else, in the thread where there is one. Raises what the
    function raises, and InternalError for what is no ordinary error.
    """
    with containment():
        if is_async(function):
            answer = function(*args)
        else:
            answer, complete = await _in_thread(lambda: _made(function(*args), made), owner)
            if complete:
                return answer
        return made(await answer if _is_awaitable(answer) else answer)


async def pieces(
    answer: AsyncGenerator[Any, Any] | Generator[Any, Any, Any], owner: str
) -> AsyncGenerator[Any, None]:
    """Yield what *answer* yields, a blocking generator's in a thread of *owner*.

    Raises what it raises, as `result_of` does. It is closed at the end, within `CLOSE_S`.
    """
    if isinstance(answer, Generator):
        while (piece := await result_of(next, answer, _END, owner=owner)) is not _END:
            yield piece
        return
    try:
        while (piece := await _next(answer)) is not _END:
            yield piece
    finally:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                with containment():
                    await answer.aclose()


async def _next(answer: AsyncGenerator[Any, Any]) -> Any:
    with containment():
        return await anext(answer, _END)


def is_async(function: Callable[..., Any]) -> bool:
    """Does *function*, or the object that is called, run on the loop?"""
    call = getattr(function, "__call__", None)  # noqa: B004
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, call)
    )


@contextmanager
def containment() -> Iterator[None]:
    """Make InternalError of what would end the task, the call or the process of the body."""
    entered = _current_task()
    try:
        yield
    except GeneratorExit as raised:
        # Nobody runs us any more: it is us who are closed, not the function that raised it.
        if entered is not None and _current_task() is not entered:
            raise
        raise no_exit(raised) from raised
    except asyncio.CancelledError as raised:
        if entered is not None and entered.cancelling():
            raise
        raise no_exit(raised) from raised
    except _STRANGE as raised:
        raise no_exit(raised) from raised
    except Exception:
        raise
    except BaseException as raised:
        raise no_exit(raised) from raised


def _made(answer: Any, made: Callable[[Any], Any]) -> tuple[Any, bool]:
    """What is made of *answer*, or the answer if it has to be awaited first, on the loop."""
    return (answer, False) if _is_awaitable(answer) else (made(answer), True)


async def _in_thread(function: Callable[[], Any], owner: str) -> Any:
    context = contextvars.copy_context()

    def work() -> Any:
        with containment():
            return context.run(function)

    return await asyncio.get_running_loop().run_in_executor(POOL.of(owner), work)


def no_exit(raised: BaseException) -> InternalError:
    """The error for what was *raised* to end a task, a call or the process."""
    name = type(raised).__name__
    if isinstance(raised, SystemExit):
        return InternalError(
            f"it tried to exit with {raised.code!r}",
            fix="raise an exception or return instead of calling sys.exit",
        )
    return InternalError(f"it raised {name}", fix=f"raise an Exception instead of {name}")


def _is_awaitable(answer: object) -> bool:
    try:
        return inspect.isawaitable(answer)
    except Exception:  # its class may say anything of itself
        return False


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # in a thread
        return None
