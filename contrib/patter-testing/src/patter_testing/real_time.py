"""Models that live in real time, asked from a loop whose time is not real.

A virtual loop has no sockets. So a request runs on a loop of its own, in a thread; virtual time
stands still meanwhile, and what the model says costs the call no time at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from patter.aio import Mailbox
from patter.client_pool import client_pool
from patter.errors import PatterTimeoutError
from patter.providers.llm import LLM, LLMChunk, LLMRequest, TextChunk
from patter.threads import POOL

T = TypeVar("T")
CHUNKS = 100_000
REQUEST_S = 60.0


async def in_real_time(work: Callable[[], Coroutine[Any, Any, T]], *, within_s: float) -> T:
    """What *work* returns, on a loop of its own. Raises PatterTimeoutError after *within_s*."""
    return await _begun(work, within_s)


def _begun(work: Callable[[], Coroutine[Any, Any, T]], within_s: float) -> asyncio.Future[T]:
    """The future of *work*, which has begun in a thread."""

    async def bounded() -> T:
        try:
            async with asyncio.timeout(within_s), client_pool():
                return await work()
        except TimeoutError as exc:
            raise PatterTimeoutError(
                f"a model said nothing within {within_s:g} s", fix="try again, or give it longer"
            ) from exc

    loop = asyncio.get_running_loop()
    return loop.run_in_executor(POOL.of("real-time"), lambda: asyncio.run(bounded()))


async def reply_of(llm: LLM, request: LLMRequest, *, within_s: float) -> str:
    """The whole text that *llm* answers *request* with. Raises PatterError."""

    async def ask() -> str:
        chunks = [chunk async for chunk in llm.stream(request)]
        return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))

    return await in_real_time(ask, within_s=within_s)


@attrs.frozen(kw_only=True)
class RealTimeLLM:
    """*llm*, each of whose requests may take *within_s* real seconds, from any loop."""

    llm: LLM
    within_s: float = REQUEST_S

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        loop, box = asyncio.get_running_loop(), Mailbox[LLMChunk](CHUNKS)
        wanted = _Wanted()

        def deliver(chunk: LLMChunk) -> None:
            # The loop may be gone before a model that was given up has noticed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(box.put, chunk)

        async def passed_on() -> None:
            wanted.begin()
            async for chunk in self.llm.stream(request):
                deliver(chunk)

        working = _begun(passed_on, self.within_s)
        working.add_done_callback(lambda _: box.close())
        try:
            async for chunk in box:
                yield chunk
            await working
        finally:
            wanted.end()
            working.cancel()


@attrs.define(eq=False)
class _Wanted:
    """Ends the task of a model that nobody listens to any more, from another thread."""

    _task: asyncio.Task[Any] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()

    def end(self) -> None:
        if self._task is not None and self._loop is not None and not self._task.done():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)


if TYPE_CHECKING:
    _: type[LLM] = RealTimeLLM
