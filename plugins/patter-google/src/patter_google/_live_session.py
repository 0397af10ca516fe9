"""One call's conversation at Google: the socket, the reader, and who watches the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

import attrs

from patter.aio import Mailbox
from patter.clock import Clock
from patter.errors import PatterError
from patter.providers.engine import (
    DELIVER_S,
    EngineCapabilities,
    EngineSetup,
    EngineUpdate,
    check_update,
    unsupported,
)
from patter.providers.engine_events import EngineEvent, ResponseCause, SessionEnding
from patter_google import _live_wire as wire
from patter_google._errors import ERRORS
from patter_google._live_errors import Ended
from patter_google._live_setup import history_turns, setup_of, system_instruction, tools_of
from patter_google._live_talk import GO_ON, LiveTalk

if TYPE_CHECKING:
    from patter.providers.engine import EngineSession
    from patter.vendors.sockets import VendorSocket
    from patter_google._live_settings import LiveSettings

WHO = "Gemini Live"

MOST_EVENTS = 100_000
"""Audio is among them, and what came before an end in order is still read."""

ENDING_MS = 30_000.0
"""How long before the end of a connection a session says so, if the vendor has not."""

PAUSE_MS = 1_000.0
"""A caller of whom nothing came for so long is on hold: the vendor is told that the audio ends."""


@attrs.define(eq=False, kw_only=True)
class LiveSession:
    """A conversation that has begun, as *settings* and *setup* say."""

    _socket: VendorSocket
    _settings: LiveSettings
    _setup: EngineSetup
    _can: EngineCapabilities
    _clock: Clock
    _talk: LiveTalk
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(MOST_EVENTS), init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _sending: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _watched_ms: float = attrs.field(default=0.0, init=False)
    _heard_ms: float | None = attrs.field(default=None, init=False)
    """When audio was last sent; None while the vendor knows that none comes."""

    async def begin(self) -> None:
        """Tell the vendor the setup and what was said before, and wait until it is in force."""
        await self._socket.send(wire.write(setup_of(self._settings, self._setup)))
        while "setupComplete" not in (message := await self._receive()):
            self._talk.take(message, self._clock.ms())
        if turns := history_turns(self._settings, self._setup):
            await self._socket.send(wire.client_content(turns, complete=True))
        if self._setup.greeting:
            words = wire.word_for_word(self._setup.greeting)
            self._talk.request(words, self._clock.ms(), ResponseCause.GREETING)
        await self._step()

    def run(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """The work that goes on for as long as the conversation does."""
        return self._read(), self._watch(), self._expire()

    async def send(self, audio: bytes) -> None:
        """Send the caller's next audio."""
        self._talk.hear(audio)
        self._heard_ms = self._clock.ms()
        await self._step()

    async def send_text(self, text: str) -> None:
        """The caller wrote *text*, which is answered."""
        self._talk.write(text, self._clock.ms())
        await self._step()

    async def send_keys(self, digits: str) -> None:
        """The caller pressed *digits*: a row that says so."""
        self._talk.press(digits)
        await self._step()

    async def commit(self) -> None:
        """The caller's turn is over, with turns by hand; it is answered at once."""
        if not self._talk.manual:
            raise unsupported(WHO, "have turns ended by hand without manual turn detection")
        self._talk.commit(self._clock.ms())
        await self._step()

    async def respond(self, instructions: str = "") -> str:
        """Write *instructions* as the caller's, which is answered; return the answer's id."""
        return await self._request(instructions or GO_ON)

    async def say(self, text: str) -> str:
        """Ask for *text* to be said, as exactly as a model can be told to; return its id."""
        return await self._request(wire.word_for_word(text))

    async def interrupt(self, response_id: str, heard_ms: int) -> None:  # noqa: ARG002
        """End a response here. The vendor keeps in its history what it has sent of it."""
        self._check_open()
        self._talk.interrupt(response_id, self._clock.ms())
        await self._step()

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        """Answer a tool call, once; in silence only where the model does not wait for it."""
        if not respond and not self._can.quiet_tool_results:
            raise unsupported(WHO, "stay quiet after a tool that it waits for")
        self._talk.result(tool_call_id, result, self._clock.ms(), failed=failed, follow=respond)
        await self._step()

    async def update(self, update: EngineUpdate) -> None:
        """Change instructions and tools, for the answers that begin from now on."""
        check_update(WHO, self._can, update)
        instructions, tools = None, None
        if update.instructions is not None:
            instructions = system_instruction(update.instructions) or {"parts": [{"text": " "}]}
        if update.tools is not None:
            tools = tools_of(self._settings, update.tools)
        self._talk.outbox.append(wire.context_update(instructions, tools))
        await self._step()

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let the reader of the events go, and take nothing more."""
        self._over = True
        self._events.close()
        self._changed.set()

    async def _read(self) -> None:
        """Turn messages into events until the socket closes, over all turns."""
        try:
            while True:
                self._talk.take(await self._receive(), self._clock.ms())
                await self._step()
        except Ended:
            return
        except PatterError as error:
            self._error = error
        finally:
            self._tell()
            self.end()

    async def _watch(self) -> None:
        """End what has become silent, give up what never comes, and tell of a caller on hold."""
        while not self._over:
            self._changed.clear()
            now_ms = self._clock.ms()
            self._talk.tick(now_ms)
            self._hold(now_ms)
            try:
                await self._step()
            except PatterError:
                return  # the reader meets the same, and tells it
            await self._sleep()

    async def _expire(self) -> None:
        """Say in time that the connection will end; the vendor may say so before."""
        if self._settings.connection_s is None:
            return
        left_ms = self._settings.connection_s * 1_000
        await self._clock.sleep(max(0.0, left_ms - ENDING_MS))
        self._events.put(SessionEnding(round(min(left_ms, ENDING_MS))))

    def _hold(self, now_ms: float) -> None:
        """Tell the vendor that no audio comes, so that it ends the turn that it hears."""
        if self._heard_ms is None or now_ms < self._heard_ms + PAUSE_MS:
            return
        self._heard_ms = None
        if not self._talk.manual and not self._settings.vertexai:
            self._talk.outbox.append(wire.realtime(audioStreamEnd=True))

    async def _sleep(self) -> None:
        """Wait until something is due, or might be due sooner."""
        dues = [self._talk.due_ms, None if self._heard_ms is None else self._heard_ms + PAUSE_MS]
        due_times = [due for due in dues if due is not None]
        self._watched_ms = min(due_times, default=self._clock.ms() + PAUSE_MS)
        try:
            async with asyncio.timeout(max(0.0, self._watched_ms - self._clock.ms()) / 1_000):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _request(self, text: str) -> str:
        self._check_open()
        response_id = self._talk.request(text, self._clock.ms())
        await self._step()
        return response_id

    async def _step(self) -> None:
        """Report and send what the last step led to."""
        self._tell()
        # One at a time: under back pressure two senders would mix their messages.
        with ERRORS.translated():
            async with asyncio.timeout(DELIVER_S), self._sending:
                while self._talk.outbox:
                    self._check_open()
                    await self._socket.send(self._talk.outbox.pop(0))

    def _tell(self) -> None:
        for event in self._talk.events:
            self._events.put(event)
        self._talk.events.clear()
        due_ms = self._talk.due_ms
        # Audio only moves the time on; whoever sleeps until then finds out when it is there.
        if due_ms is not None and due_ms < self._watched_ms:
            self._changed.set()

    async def _receive(self) -> wire.Wire:
        """The next message. Raises PatterError: Ended when the vendor hung up in order."""
        return wire.read(await self._socket.receive())

    def _check_open(self) -> None:
        if self._over:
            raise self._error or ERRORS.hung_up()


if TYPE_CHECKING:
    _: type[EngineSession] = LiveSession
