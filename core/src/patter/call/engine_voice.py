"""The speaking half of an engine: its responses, requested or its own, read one at a time.

It outlives sessions: whoever asks while one is replaced waits for the next, and responses of a
session that is gone have failed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeAlias, TypeVar

import attrs

from patter.aio import Full, Mailbox
from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError, ProviderError
from patter.observe.call_events import CallEvents
from patter.providers.engine import EngineSession
from patter.providers.engine_events import (
    EngineEvent,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseText,
    ResponseToolCall,
    SessionHandle,
    VendorInterrupted,
)

UNREAD = 20_000
"""Events of one response that may wait: minutes of audio, in the smallest pieces vendors send."""

FIRST = 2
"""A response may take so many times longer to begin than to go on."""

KEPT = 32
"""Responses that are remembered: an interrupt may be about one that is over."""

T = TypeVar("T")
Part: TypeAlias = ResponseAudio | ResponseText | ResponseToolCall | ResponseDone


@attrs.define(eq=False)
class EngineResponse:
    """One response of *session*, and its parts as they come; they end with its ResponseDone.

    *from_ms* is where its audio begins in the utterance that plays it, None before it does;
    *length_ms* how much there is so far. It was waited for *waited_ms* before it began.
    """

    id: str
    session: EngineSession
    from_ms: float | None = None
    length_ms: float = 0.0
    waited_ms: float = 0.0
    over: bool = False
    _parts: Mailbox[Part] = attrs.field(factory=lambda: Mailbox(UNREAD, Full.REFUSE), init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)

    def put(self, part: Part) -> None:
        """The next part has come."""
        if not self._parts.put(part) and not self.over:
            self.fail(
                ProviderError(
                    "the engine does not stop: a response is longer than minutes",
                    fix="bound its output, with max_output_tokens for example",
                )
            )
        if isinstance(part, ResponseDone):
            self.over = True
            self._parts.close()

    def fail(self, error: PatterError) -> None:
        """Nothing more will come, because of *error*."""
        if not self.over:
            self.over, self._error = True, error
            self._parts.close()

    async def parts(
        self, first_ms: float, next_ms: Callable[[], float]
    ) -> AsyncGenerator[Part, None]:
        """Its parts; the first must come within *first_ms*, each other within *next_ms()*.

        Raises PatterTimeoutError, and what ended the session.
        """
        patience_ms = first_ms
        while True:
            try:
                async with asyncio.timeout(patience_ms / 1_000):
                    part = await anext(self._parts, None)
            except TimeoutError:
                raise _silent(patience_ms) from None
            if part is None:
                break
            yield part
            patience_ms = next_ms()
        if self._error is not None:
            raise self._error


@attrs.define(eq=False, kw_only=True)
class EngineVoice:
    """The responses of one call's engine, called *name* in records.

    *on_answer*: the vendor answers the caller without having been asked, and nobody waits for it.
    *on_interrupted(response_id)*: the vendor stopped a response because the caller spoke. A
    session is waited for *wait_ms*. Of a response that is owed the first must come within twice
    *model_ms*, and then something within each *model_ms*; a session that owes one for longer is
    replaced. *greeting_id*: that the session was asked for while it rang. *expecting* is the epoch
    whose answer somebody will take, or 0. *broke_off*: the last session was lost while it owed a
    response.
    """

    name: str
    events: CallEvents
    wait_ms: int
    model_ms: int
    on_answer: Callable[[], None]
    on_interrupted: Callable[[str], None]
    handle: str = attrs.field(default="", init=False, repr=False)
    greeting_id: str = attrs.field(default="", init=False)
    expecting: int = attrs.field(default=0, init=False)
    broke_off: bool = attrs.field(default=False, init=False)
    _session: asyncio.Future[EngineSession] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _responses: dict[str, EngineResponse] = attrs.field(factory=dict, init=False)
    _unclaimed: defaultdict[ResponseCause, deque[EngineResponse]] = attrs.field(
        factory=lambda: defaultdict(lambda: deque(maxlen=KEPT)), init=False
    )
    _waiting: dict[ResponseCause, asyncio.Future[EngineResponse]] = attrs.field(
        factory=dict, init=False
    )
    _leave: Callable[[], None] | None = attrs.field(default=None, init=False)

    # --- what the ears give it

    @contextmanager
    def using(self, session: EngineSession, leave: Callable[[], None]) -> Iterator[None]:
        """*session* is the call's while inside; *leave* ends it, and another one is opened."""
        if not self._session.done():
            self._session.set_result(session)
        self._leave, self.broke_off = leave, False
        try:
            yield
        finally:
            # Whoever replaced it waits for the next one already.
            if self._leave is leave:
                self._let_go()

    def give_up(self) -> None:
        """There will be no session any more."""
        if not self._session.done():
            self._session.set_exception(_lost(self.name))
            # Retrieved at once: a call that says nothing more must not log it as unseen.
            self._session.exception()
        self._fail_all(_lost(self.name))

    def take(self, event: EngineEvent) -> None:
        """What the vendor reports of its responses."""
        match event:
            case ResponseStarted(response_id, cause):
                if self._leave is not None:
                    self._started(response_id, cause)
            case ResponseAudio() | ResponseText() | ResponseToolCall() | ResponseDone():
                if (response := self._responses.get(event.response_id)) is not None:
                    response.put(event)
            case VendorInterrupted(response_id):
                self.on_interrupted(response_id)
            case EngineProblem(error):
                self.events.error(error, f"engine {self.name}")
            case SessionHandle(handle):
                self.handle = handle

    # --- what the call asks

    async def session(self) -> EngineSession:
        """The open session. Raises PatterError when there is none in time."""
        try:
            async with asyncio.timeout(self.wait_ms / 1_000):
                return await asyncio.shield(self._session)
        except TimeoutError:
            raise PatterTimeoutError(
                f"{self.name} has no connection",
                fix="nothing to set: see the engine's status and the network",
            ) from None

    async def respond(self) -> EngineResponse:
        """Have the caller answered."""
        session = await self.session()
        return self._requested(await self._await_from(session, session.respond()), session)

    async def say(self, text: str) -> EngineResponse:
        """Have *text* said."""
        session = await self.session()
        return self._requested(await self._await_from(session, session.say(text)), session)

    async def greet(self, text: str) -> EngineResponse:
        """Have the greeting said, unless this session was asked before the call began."""
        session = await self.session()
        greeting_id, self.greeting_id = self.greeting_id, ""
        return self._requested(greeting_id, session) if greeting_id else await self.say(text)

    async def next(self, cause: ResponseCause) -> EngineResponse:
        """The next response that the vendor begins of its own accord because of *cause*.

        Raises PatterTimeoutError when it owes one for too long, and what ended the session.
        """
        await self.session()
        if self._unclaimed[cause]:
            return self._unclaimed[cause].popleft()
        loop = asyncio.get_running_loop()
        began_s, future = loop.time(), loop.create_future()
        self._waiting[cause] = future
        try:
            response: EngineResponse = await self._in_time(future)
        finally:
            self._waiting.pop(cause, None)
        response.waited_ms = (loop.time() - began_s) * 1_000
        return response

    async def parts(
        self, response: EngineResponse, next_ms: Callable[[], float]
    ) -> AsyncGenerator[Part, None]:
        """The parts of *response*, each within *next_ms()* of the one before.

        Raises PatterTimeoutError, and what ended the session.
        """
        first_ms = max(self.model_ms, FIRST * self.model_ms - response.waited_ms)
        try:
            async with aclosing(response.parts(first_ms, next_ms)) as parts:
                async for part in parts:
                    yield part
        except PatterTimeoutError:
            if self.knows(response):
                self.replace()
            raise

    @property
    def has_answered(self) -> bool:
        """Has the vendor begun an answer of its own that nobody has taken?"""
        return bool(self._unclaimed[ResponseCause.CALLER])

    def replace(self) -> None:
        """The session is of no use any more, however open its socket: wait for the next."""
        if self._leave is not None:
            self._leave()
            self._let_go()

    def knows(self, response: EngineResponse) -> bool:
        """Is *response* one of the open session?"""
        return self._responses.get(response.id) is response

    def drop_unclaimed(self) -> list[EngineResponse]:
        """The vendor's own answers that nobody wants any more."""
        unclaimed = list(self._unclaimed[ResponseCause.CALLER])
        self._unclaimed[ResponseCause.CALLER].clear()
        return unclaimed

    async def _await_from(self, session: EngineSession, owed: Awaitable[T]) -> T:
        """What *session* was asked for; one that cannot be asked is left."""
        try:
            return await self._in_time(owed)
        except PatterConnectionError:
            # Whoever reads it may not have seen yet that it is gone: the next try must not ask it.
            if self._holds(session):
                self.replace()
            raise

    def _holds(self, session: EngineSession) -> bool:
        """Is *session* the one that is used? There may be none any more, for good."""
        current = self._session
        return current.done() and not current.exception() and current.result() is session

    async def _in_time(self, owed: Awaitable[T]) -> T:
        """What the session owes; one that owes it for longer than a response may take is left."""
        patience_ms = FIRST * self.model_ms
        try:
            async with asyncio.timeout(patience_ms / 1_000):
                return await owed
        except TimeoutError:
            self.replace()
            raise _silent(patience_ms) from None

    def _let_go(self) -> None:
        self._leave = None
        self._session = asyncio.get_running_loop().create_future()
        self._fail_all(_lost(self.name))

    # --- responses

    def _requested(self, response_id: str, session: EngineSession) -> EngineResponse:
        """It may have been started, and more, before its id was known here."""
        return self._responses.get(response_id) or self._remember(response_id, session)

    def _started(self, response_id: str, cause: ResponseCause) -> None:
        response = self._responses.get(response_id)
        if response is None:
            response = self._remember(response_id, self._session.result())
        if cause is ResponseCause.REQUEST:
            return
        waiter = self._waiting.pop(cause, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(response)
            return
        self._unclaimed[cause].append(response)
        if cause is ResponseCause.CALLER and not self.expecting:
            self.on_answer()

    def _remember(self, response_id: str, session: EngineSession) -> EngineResponse:
        response = self._responses[response_id] = EngineResponse(response_id, session)
        if len(self._responses) > KEPT:
            oldest = next(iter(self._responses))
            self._responses.pop(oldest)
        return response

    def _fail_all(self, error: PatterError) -> None:
        responses, self._responses = self._responses, {}
        running = any(not response.over for response in responses.values())
        self.broke_off = self.broke_off or running or bool(self._waiting)
        for response in responses.values():
            response.fail(error)
        self._unclaimed.clear()
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(error)
        self._waiting.clear()


def _silent(ms: float) -> PatterTimeoutError:
    return PatterTimeoutError(
        f"the engine sent nothing of a response for {ms:.0f} ms",
        fix="nothing to set: the call reconnects; see the engine's status",
    )


def _lost(name: str) -> PatterConnectionError:
    return PatterConnectionError(
        f"{name} lost the connection in the middle of the call",
        fix="nothing to set: the call reconnects; see the engine's status",
    )
