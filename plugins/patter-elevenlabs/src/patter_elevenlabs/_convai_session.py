"""One call's conversation with an agent: the socket, the reader, and who watches the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from patter.aio import Mailbox
from patter.audio.convert import Converter
from patter.clock import Clock
from patter.errors import PatterError
from patter.providers.engine import (
    EngineCapabilities,
    EngineUpdate,
    check_update,
    unsupported,
)
from patter.providers.engine_events import EngineEvent
from patter.vendors.sockets import VendorSocket
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_errors import Ended
from patter_elevenlabs._convai_talk import Talk
from patter_elevenlabs._errors import ERRORS

if TYPE_CHECKING:
    from patter.providers.engine import EngineSession

VENDOR = "ElevenLabs ConvAI"
EVENTS = 100_000
"""Audio is among them, and what came before an end in order is still read: no `SessionEvents`."""

IDLE_MS = 20_000.0
"""A caller of whom nothing came for a minute is hung up on; a call on hold sends nothing."""

GO_ON = "(Please go on.)"
"""What is written for the caller when a response is wanted and nothing is said why."""


@attrs.define(eq=False)
class ConvAISession:
    """A conversation that has begun. *ear* turns the caller's audio into the agent's format."""

    _socket: VendorSocket
    _key: str = attrs.field(repr=False)
    _can: EngineCapabilities
    _clock: Clock
    _talk: Talk
    _ear: Converter
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(EVENTS), init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _watched_ms: float = attrs.field(default=0.0, init=False)
    _input_ms: float = attrs.field(default=0.0, init=False)

    async def begin(
        self, early: Iterable[wire.ServerMessage], greets: bool, background: str
    ) -> None:
        """Go on from what came *early*; *background* is what the agent should know."""
        self._input_ms = self._clock.ms()
        if greets:
            self._talk.expect_greeting(self._clock.ms())
        for message in early:
            await self._take(message)
        if background:
            await self._send(wire.contextual_update(background))

    def run(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """The work that goes on for as long as the conversation does."""
        return self._read(), self._watch()

    async def send(self, audio: bytes) -> None:
        """Send the caller's audio."""
        if heard := self._ear.feed(audio):
            self._input_ms = self._clock.ms()
            await self._send(wire.caller_audio(heard))

    async def send_text(self, text: str) -> None:
        """The caller wrote; the agent answers."""
        self._talk.write()
        await self._send(wire.user_message(text))

    async def send_keys(self, digits: str) -> None:
        """The caller pressed keys; there is no message for keys, so the agent is told."""
        await self._send(wire.contextual_update(f"(The caller pressed {digits} on the keypad.)"))

    async def commit(self) -> None:
        """The agent ends turns by itself."""
        raise unsupported(VENDOR, "have turns ended by hand")

    async def respond(self, instructions: str = "") -> str:
        """Write *instructions* as the caller's, which the agent answers; return the answer's id."""
        return await self._request(instructions or GO_ON)

    async def say(self, text: str) -> str:
        """Ask the agent to say *text*; return the response's id."""
        return await self._request(f"(Say exactly these words, and nothing else: {text})")

    async def interrupt(self, response_id: str, heard_ms: int) -> None:  # noqa: ARG002
        """End a response here. The agent itself hears that the caller spoke, and how far it got."""
        self._check_open()
        self._report(self._talk.interrupt(response_id))
        await self._ask()

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        """Answer a tool call, once."""
        if not respond:
            raise unsupported(VENDOR, "stay quiet after a tool")
        self._check_open()
        if self._talk.waits_for(tool_call_id):
            self._report(self._talk.result(tool_call_id, self._clock.ms()))
            await self._send(wire.tool_result(tool_call_id, result, failed))

    async def update(self, update: EngineUpdate) -> None:
        """Nothing of an agent can be changed in mid-call."""
        check_update(VENDOR, self._can, update)

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    async def _read(self) -> None:
        """Turn messages into events until the socket closes."""
        try:
            async for message in self._socket:
                if await self._take(wire.decode(message, self._key)):
                    return
        except Ended:
            return
        except PatterError as error:
            self._error = error
        finally:
            self.end()

    async def _watch(self) -> None:
        """End responses that have become silent, give up on those that never come."""
        try:
            while not self._over:
                self._changed.clear()
                self._report(self._talk.tick(self._clock.ms()))
                await self._ask()
                await self._stay()
                await self._sleep()
        except PatterError as error:
            self._error = self._error or error
            self.end()

    def end(self) -> None:
        """Let the reader of the events go."""
        self._over = True
        self._events.close()
        self._changed.set()

    async def _take(self, message: wire.ServerMessage | None) -> bool:
        """Handle *message*; True when it ends the conversation in order."""
        match message:
            case None:
                return False
            case wire.Ping(event_id):
                await self._send(wire.pong(event_id))
            case wire.Problem(None, ends=True):
                return True
            case wire.Problem(PatterError() as error, ends=True):
                raise error
            case _:
                self._report(self._talk.take(message, self._clock.ms()))
        return False

    def _report(self, events: list[EngineEvent]) -> None:
        for event in events:
            self._events.put(event)
        due_ms = self._talk.due_ms
        sooner = due_ms is not None and due_ms < self._watched_ms
        # Audio only moves the time on; whoever sleeps until then finds out when it is there.
        if sooner or (events and self._talk.has_request):
            self._changed.set()

    async def _stay(self) -> None:
        """Tell the vendor that somebody is there, when it has not heard for a while."""
        if self._clock.ms() >= self._input_ms + IDLE_MS:
            self._input_ms = self._clock.ms()
            await self._send(wire.user_activity())

    async def _sleep(self) -> None:
        """Wait until something is due, or might be due sooner."""
        due_ms, idle_ms = self._talk.due_ms, self._input_ms + IDLE_MS
        self._watched_ms = idle_ms if due_ms is None else min(due_ms, idle_ms)
        left_s = max(0.0, self._watched_ms - self._clock.ms()) / 1_000
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _request(self, text: str) -> str:
        self._check_open()
        response_id = self._talk.request(text)
        await self._ask()
        return response_id

    async def _ask(self) -> None:
        """Send the next request, if it is its turn."""
        if text := self._talk.next_request(self._clock.ms()):
            await self._send(wire.user_message(text))
            self._report([])

    async def _send(self, message: str) -> None:
        self._check_open()
        await self._socket.send(message)

    def _check_open(self) -> None:
        if self._over:
            raise self._error or ERRORS.hung_up()


if TYPE_CHECKING:
    _: type[EngineSession] = ConvAISession
