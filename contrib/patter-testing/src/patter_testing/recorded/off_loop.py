"""Real models and tools under virtual time: on a loop of their own, in a thread.

Virtual time stands still while they work, and then passes as long as they took.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import queue
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import attrs

from patter.client_pool import client_pool
from patter.errors import PatterTimeoutError
from patter.providers.llm import LLM, LLMChunk, LLMRequest
from patter.tools.tool import Tool

LIMIT_S = 60.0
"""Longer than any wait of a call: who takes longer is given up."""
CLOSE_S = 5.0


@attrs.define(eq=False)
class OffLoop:
    """The other loop, which runs while inside."""

    limit_s: float = LIMIT_S
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.new_event_loop, init=False)
    _over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _thread: threading.Thread = attrs.field(init=False)

    def __enter__(self) -> OffLoop:
        self._thread = threading.Thread(target=self._run, name="patter-off-loop", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(CLOSE_S)

    async def result(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """What *make* returns, run there. Raises what it raises; PatterTimeoutError."""
        future = asyncio.run_coroutine_threadsafe(_awaited(make), self._loop)
        began = time.monotonic()
        try:
            waiting = functools.partial(future.result, self.limit_s)
            result = await asyncio.get_running_loop().run_in_executor(None, waiting)
        except TimeoutError as late:
            raise _late(self.limit_s) from late
        finally:
            future.cancel()
        await asyncio.sleep(time.monotonic() - began)
        return result

    async def pieces(self, make: Callable[[], AsyncIterator[Any]]) -> AsyncIterator[Any]:
        """What *make* yields, run there from its first piece to its last in one task."""
        pipe: queue.Queue[tuple[str, Any, float]] = queue.Queue()
        future = asyncio.run_coroutine_threadsafe(_pumped(make, pipe), self._loop)
        loop, at_s = asyncio.get_running_loop(), 0.0
        try:
            while True:
                get = functools.partial(pipe.get, timeout=self.limit_s)
                what, piece, came_s = await loop.run_in_executor(None, get)
                # The pause before it was real; now it is lived through in the call's time.
                await asyncio.sleep(max(0.0, came_s - at_s))
                at_s = came_s
                if what == "piece":
                    yield piece
                elif what == "error":
                    raise piece
                else:
                    return
        except queue.Empty as late:
            raise _late(self.limit_s) from late
        finally:
            future.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_over())

    async def _until_over(self) -> None:
        # Clients are made once and not once a request.
        async with client_pool():
            await self._over.wait()


@attrs.frozen
class OffLoopLLM:
    """*llm*, asked on the other loop."""

    llm: LLM
    off: OffLoop

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        async for chunk in self.off.pieces(lambda: self.llm.stream(request)):
            yield chunk


def off_loop_tool(tool: Tool, off: OffLoop) -> Tool:
    """*tool*, whose coroutine runs on the other loop; a plain function runs in a thread anyway."""
    if not inspect.iscoroutinefunction(tool.handler):
        return tool
    handler = tool.handler

    @functools.wraps(handler)
    async def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return await off.result(lambda: handler(*args, **kwargs))

    return attrs.evolve(tool, handler=elsewhere)


async def _awaited(make: Callable[[], Awaitable[Any]]) -> Any:
    return await make()


async def _pumped(
    make: Callable[[], AsyncIterator[Any]], pipe: queue.Queue[tuple[str, Any, float]]
) -> None:
    began = time.monotonic()
    try:
        async for piece in make():
            pipe.put(("piece", piece, time.monotonic() - began))
        pipe.put(("end", None, time.monotonic() - began))
    except Exception as error:
        pipe.put(("error", error, time.monotonic() - began))


def _late(limit_s: float) -> PatterTimeoutError:
    return PatterTimeoutError(
        f"no answer within {limit_s:g} s", fix="replay it --offline, or with another --llm"
    )


if TYPE_CHECKING:
    _: type[LLM] = OffLoopLLM
