"""A vendor's streamed reply as chunks: read, and bounded wherever it may stall."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import attrs

from patter.aio import in_time
from patter.errors import PatterConnectionError, PatterError
from patter.providers.llm import DoneChunk, LLMChunk, UsageChunk
from patter.vendors.errors import VendorErrors

END_S = 0.5
"""How long an answer that is complete waits for its tokens and the end of its stream. Reading to
the end keeps the connection for the next request."""


UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What reading JSON of another shape than was expected raises."""


@attrs.define
class StreamedReply(ABC):
    """One reply, event by event; `patter.vendors.chat_wire.ChatReply` is one.

    *secret* is kept out of the errors that it raises. `read` sets *reason* once the vendor has
    told why it stopped: what may still come is how many tokens it took, *usage*.
    """

    errors: VendorErrors
    secret: str = attrs.field(default="", repr=False)
    reason: str = attrs.field(default="", init=False)
    usage: UsageChunk | None = attrs.field(default=None, init=False)

    @property
    def finished(self) -> bool:
        """Has the vendor told why it stopped?"""
        return bool(self.reason)

    def take(self, event: object) -> list[LLMChunk]:
        """What *event*, as JSON was read, adds to the reply.

        Raises PatterError for an error in the stream and for what is not the protocol's.
        """
        try:
            return list(self.read(event))
        except PatterError:
            raise
        except UNREADABLE:
            raise self.errors.garbled(event) from None

    def end(self) -> list[LLMChunk]:
        """What is said last. Raises PatterError when the reply is not complete, or refused."""
        if not self.finished:
            raise PatterConnectionError(
                f"{self.errors.vendor} stopped in the middle of a reply",
                fix=f"try again; see {self.errors.status_page}",
            )
        if failure := self.failure():
            raise failure
        return [*filter(None, [self.usage]), DoneChunk(self.reason)]

    @abstractmethod
    def read(self, event: Any) -> Iterator[LLMChunk]:
        """What *event* adds. Raises PatterError, and anything in `UNREADABLE` for garbage."""

    def failure(self) -> PatterError | None:
        """Why a finished reply is of no use, where *reason* says so."""
        return None


def text_of(value: object) -> str:
    """*value*, which has to be text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


async def decoded(
    events: AsyncIterator[object], reply: StreamedReply, silence_s: float | None = None
) -> AsyncGenerator[LLMChunk, None]:
    """*events* as *reply* reads them, to exactly one DoneChunk.

    *events* raises PatterError when the connection fails, and without *silence_s* for silence, too,
    as those of `HttpApi.events` do. Raises PatterTimeoutError when nothing comes for *silence_s*
    before the vendor has finished; what goes wrong later is of no matter.
    """
    while (event := await _next(events, reply, silence_s)) is not None:
        for chunk in reply.take(event):
            yield chunk
    for chunk in reply.end():
        yield chunk


async def _next(
    events: AsyncIterator[object], reply: StreamedReply, silence_s: float | None
) -> object | None:
    within_s, event = END_S if reply.finished else silence_s, anext(events, None)
    try:
        # A timer for each of a model's words, where none is needed, costs as much as reading it.
        return await (event if within_s is None else in_time(event, within_s))
    except (TimeoutError, PatterError) as failure:
        if reply.finished:
            return None
        if isinstance(failure, PatterError):
            raise
        raise reply.errors.late() from None
