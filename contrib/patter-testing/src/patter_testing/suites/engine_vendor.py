"""The two sides of an engine that `EngineSuite` sees: its vendor, and its events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import attrs
import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.engine import Engine, EngineSession, EngineSetup
from patter.providers.engine_events import (
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
    ResponseText,
)
from patter.providers.llm import Message, ToolRequest
from patter_testing.suites.rules import has_fix


class EngineVendor(Protocol):
    """The vendor's simulator behind the engine on trial: what its latest session holds and does."""

    @property
    def instructions(self) -> str:
        """The instructions in force."""
        ...

    @property
    def rows(self) -> Sequence[Message]:
        """The conversation as the vendor remembers it, its own responses included."""
        ...

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools it may ask for."""
        ...

    async def hear(self, text: str) -> None:
        """The caller says *text*, and the vendor understands it."""
        ...

    async def want(self, request: ToolRequest) -> None:
        """The vendor starts a response that wants a tool run."""
        ...

    async def warn(self) -> None:
        """The vendor reports an error that passes."""
        ...

    async def linger(self) -> None:
        """From now on a response goes on until it is interrupted."""
        ...


@attrs.define(eq=False)
class EventReader:
    """Reads a session's events, and keeps them in *log*."""

    session: EngineSession
    log: list[EngineEvent] = attrs.field(factory=list, init=False)
    _events: AsyncIterator[EngineEvent] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = aiter(self.session)

    async def until(self, match: Callable[[EngineEvent], bool]) -> EngineEvent:
        """Read on to the event that *match* accepts; fail when the events end before."""
        async for event in self._events:
            self.log.append(event)
            if match(event):
                return event
        pytest.fail("the events ended too early", pytrace=False)

    async def until_done(self, response_id: str) -> ResponseDone:
        """Read on to the end of *response_id*."""
        done = await self.until(
            lambda event: isinstance(event, ResponseDone) and event.response_id == response_id
        )
        assert isinstance(done, ResponseDone)
        return done

    async def until_started(self, cause: ResponseCause) -> str:
        """Read on to a response of *cause*; return its id."""
        started = await self.until(
            lambda event: isinstance(event, ResponseStarted) and event.cause is cause
        )
        assert isinstance(started, ResponseStarted)
        return started.response_id

    def started(self) -> list[ResponseStarted]:
        """The starts of all responses so far."""
        return [event for event in self.log if isinstance(event, ResponseStarted)]

    def of(self, response_id: str) -> list[ResponseEvent]:
        """The events so far that carry *response_id*."""
        events = (event for event in self.log if isinstance(event, ResponseEvent))
        return [event for event in events if event.response_id == response_id]

    def text(self, response_id: str) -> str:
        """What a response said, whitespace evened out."""
        pieces = [event.text for event in self.of(response_id) if isinstance(event, ResponseText)]
        return " ".join("".join(pieces).split())

    def audio(self, response_id: str) -> bytes:
        """The audio of a response."""
        events = self.of(response_id)
        return b"".join(event.audio for event in events if isinstance(event, ResponseAudio))


def setup_for(engine: Engine, **changes: Any) -> EngineSetup:
    """A setup in the best formats of *engine*."""
    setup = EngineSetup(
        instructions="Be brief.", audio_in=engine.accepts[0], audio_out=engine.produces[0]
    )
    return attrs.evolve(setup, **changes)


@asynccontextmanager
async def conversation(
    engine: Engine, call: CallContext, **changes: Any
) -> AsyncIterator[tuple[EngineSession, EventReader]]:
    """A session of *engine* and the reader of its events."""
    async with engine.open(call, setup_for(engine, **changes)) as session:
        yield session, EventReader(session)


def mentioned(vendor: EngineVendor, text: str) -> bool:
    """Is *text* anywhere in what the vendor knows?"""
    return text in "\n".join([vendor.instructions, *(row.text for row in vendor.rows)])


async def is_refused(request: Awaitable[object]) -> None:
    """Fail unless *request* raises an error that says what to do."""
    with pytest.raises(PatterError) as raised:
        await request
    has_fix(raised.value)
