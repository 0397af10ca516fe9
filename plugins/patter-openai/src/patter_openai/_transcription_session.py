"""One caller's socket to a transcription session: audio going up, words coming down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.stt import STTEvent
from patter.vendors.events import SessionEvents
from patter.vendors.options import socket_url
from patter_openai import _transcription_wire as wire
from patter_openai._errors import ERRORS
from patter_openai._gate import Gate
from patter_openai._transcripts import Transcripts

if TYPE_CHECKING:
    from patter.vendors.sockets import VendorSocket
    from patter_openai._transcribe_settings import TranscribeSettings

MOST_MS = 60_000
"""How much speech without a pause is transcribed as it is."""


@asynccontextmanager
async def opened(
    settings: TranscribeSettings, audio: AudioFormat
) -> AsyncIterator[TranscriptionSession]:
    """A session to which OpenAI has agreed; within twice the *timeout* of its settings."""
    # It imports aiohttp, which takes a while.
    from patter.vendors.sockets import vendor_socket

    connection = vendor_socket(
        socket_url(settings.base_url, "/realtime"),
        errors=ERRORS,
        headers={"Authorization": f"Bearer {settings.api_key}"},
        query=[("intent", "transcription")],
        connect_s=settings.timeout,
    )
    async with connection as socket:
        session = TranscriptionSession(settings, audio, socket)
        with ERRORS.translated():
            async with asyncio.timeout(settings.timeout):
                await session.settle()
        async with session._events.working(session._read, session._answer_late):
            yield session


@attrs.define(eq=False)
class TranscriptionSession:
    """One caller's audio going up, and words coming down."""

    _settings: TranscribeSettings
    _audio: AudioFormat
    _socket: VendorSocket = attrs.field(repr=False)
    _gate: Gate = attrs.field(init=False)
    _words: Transcripts = attrs.field(init=False)
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _paused: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._gate = Gate(self._audio, self._settings.gate_db)
        self._words = Transcripts(ends_turns=self._settings.endpoints)

    async def settle(self) -> None:
        """Send the settings, and wait until OpenAI has them."""
        await self._socket.send(self._settings.session_update(self._audio))
        while not isinstance(await self._next(), wire.Ready):
            pass

    async def send(self, audio: bytes) -> None:
        """Send *audio*, or the part of it in which somebody speaks."""
        self._events.check_open()
        passed = self._gate.feed(audio)
        if sent := audio if self._settings.hears_voice else passed:
            await self._socket.send(wire.append(sent))
        if self._gate.passed_ms > MOST_MS:
            await self._commit()

    async def finalize(self) -> None:
        """Commit what was said since the last pause; a final comes, an empty one if nothing was."""
        self._events.check_open()
        await self._commit()
        self._events.put(*self._words.pause())
        self._paused.set()

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _answer_late(self) -> None:
        """Answer a pause that the vendor leaves without an answer for too long."""
        while True:
            await self._paused.wait()
            self._paused.clear()
            try:
                async with asyncio.timeout(self._settings.finalize_ms / 1_000):
                    await self._paused.wait()
            except TimeoutError:
                if self._words.waiting:
                    self._events.put(*self._words.give_up())

    async def _read(self) -> None:
        """Take what the vendor says until it hangs up."""
        while True:
            if (event := await self._next()) is not None:
                self._events.put(*self._words.take(event))

    async def _next(self) -> wire.ServerEvent | None:
        """The next message, None if it has no news. Raises PatterError."""
        return wire.decode(await self._socket.receive(), self._settings.api_key)

    async def _commit(self) -> None:
        """Have transcribed what was said since the last time, if the vendor has not begun to."""
        voiced, enough = self._gate.voiced, self._gate.passed_ms >= wire.LEAST_MS
        end_ms = self._gate.cut().end_ms
        if not voiced or end_ms <= self._words.committed_ms:
            return
        self._words.commit(end_ms)
        if not enough and not self._settings.hears_voice:
            await self._socket.send(wire.append(self._silence()))
        await self._socket.send(wire.COMMIT)

    def _silence(self) -> bytes:
        """What makes a commit long enough."""
        count = self._audio.bytes_in(wire.LEAST_MS) // self._audio.sample_bytes
        return self._audio.silence * count
