"""A vendor's streamed reply as chunks, bounded wherever it may stall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from patter.errors import PatterError
from patter.providers.llm import LLMChunk
from patter.vendors.errors import VendorErrors

END_S = 0.5
"""So long an answer that is complete waits for its tokens and the end of its stream. Reading to
the end keeps the connection for the next request."""


class ReplyDecoder(Protocol):
    """Reads one reply, event by event; `patter.vendors.chat_wire.ChatReply` is one."""

    @property
    def finished(self) -> bool:
        """Has the vendor told why it stopped?"""
        ...

    def take(self, event: object) -> list[LLMChunk]:
        """What *event* adds. Raises PatterError."""
        ...

    def end(self) -> list[LLMChunk]:
        """What is said last. Raises PatterError when the reply is not complete."""
        ...


async def decoded(
    events: AsyncIterator[object], reply: ReplyDecoder, errors: VendorErrors, silence_s: float
) -> AsyncGenerator[LLMChunk, None]:
    """*events* as *reply* reads them, to exactly one DoneChunk.

    *events* raises PatterError when the connection fails. Raises PatterTimeoutError when nothing
    comes for *silence_s* before the vendor has finished; what goes wrong later is of no matter.
    """
    while (event := await _next(events, reply, errors, silence_s)) is not None:
        for chunk in reply.take(event):
            yield chunk
    for chunk in reply.end():
        yield chunk


async def _next(
    events: AsyncIterator[object], reply: ReplyDecoder, errors: VendorErrors, silence_s: float
) -> object | None:
    try:
        async with asyncio.timeout(END_S if reply.finished else silence_s):
            return await anext(events, None)
    except (TimeoutError, PatterError) as failure:
        if reply.finished:
            return None
        if isinstance(failure, PatterError):
            raise
        raise errors.late() from None
