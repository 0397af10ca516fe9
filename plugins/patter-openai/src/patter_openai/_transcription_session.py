"""One caller's socket to a transcription session: audio going up, words coming down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox, task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.errors import PatterConnectionError, PatterError
from patter.providers.stt import STTEvent
from patter.vendors.options import socket_url
from patter_openai import _transcription_wire as wire
from patter_openai._errors import ERRORS
from patter_openai._gate import Gate
from patter_openai._transcripts import Transcripts

if TYPE_CHECKING:
    import aiohttp

    from patter_openai._transcribe_settings import TranscribeSettings

SEND_S = 2.0
PING_S = 20.0
"""A connection that answers no ping is a lost one, and is noticed half of this later."""

GOODBYE_S = 0.5
_EVENTS = 512
_MOST_BYTES = 4 << 20
MOST_MS = 60_000
"""So much speech without a pause is transcribed as it is."""


@asynccontextmanager
async def opened(
    settings: TranscribeSettings, audio: AudioFormat
) -> AsyncIterator[TranscriptionSession]:
    """A session to which OpenAI has agreed; within twice the *timeout* of its settings."""
    import aiohttp

    async with client_pool() as pool:
        with ERRORS.translated():
            async with asyncio.timeout(settings.timeout):
                socket = await pool.http.ws_connect(
                    f"{socket_url(settings.base_url, '/realtime')}?intent=transcription",
                    headers={"Authorization": f"Bearer {settings.api_key}"},
                    heartbeat=PING_S,
                    max_msg_size=_MOST_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_S),
                )
        async with socket, task_scope() as tasks:
            session = TranscriptionSession(settings, audio, socket)
            with ERRORS.translated():
                async with asyncio.timeout(settings.timeout):
                    await session.settle()
            reader = tasks.create_task(session.read(), name="openai-transcribe-read")
            timer = tasks.create_task(session.answer_late(), name="openai-transcribe-late")
            try:
                yield session
            finally:
                session.close()
                reader.cancel()
                timer.cancel()


@attrs.define(eq=False)
class TranscriptionSession:
    """One caller's audio going up, and words coming down."""

    _settings: TranscribeSettings
    _audio: AudioFormat
    _socket: aiohttp.ClientWebSocketResponse = attrs.field(repr=False)
    _gate: Gate = attrs.field(init=False)
    _words: Transcripts = attrs.field(init=False)
    _events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(_EVENTS), init=False)
    _failure: PatterError | None = attrs.field(default=None, init=False)
    _closed: bool = attrs.field(default=False, init=False)
    _paused: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._gate = Gate(self._audio, self._settings.gate_db)
        self._words = Transcripts(ends_turns=self._settings.endpoints)

    async def settle(self) -> None:
        """Send the settings, and wait until OpenAI has them."""
        await self._send(self._settings.session_update(self._audio))
        async for message in self._socket:
            if isinstance(self._decode(message), wire.Ready):
                return
        raise self._hung_up()

    async def send(self, audio: bytes) -> None:
        """Send *audio*, or the part of it in which somebody speaks."""
        self._check()
        passed = self._gate.feed(audio)
        if sent := audio if self._settings.hears_voice else passed:
            await self._send(wire.append(sent))
        if self._gate.passed_ms > MOST_MS:
            await self._commit()

    async def finalize(self) -> None:
        """Commit what was said since the last pause; a final comes, an empty one if nothing was."""
        self._check()
        await self._commit()
        self._tell(self._words.pause())
        self._paused.set()

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self._events:
            yield event
        if self._failure is not None:
            raise self._failure

    async def read(self) -> None:
        """Take what the vendor says until it hangs up."""
        try:
            with ERRORS.translated():
                async for message in self._socket:
                    if (event := self._decode(message)) is not None:
                        self._tell(self._words.take(event))
            raise self._hung_up()
        except PatterError as failure:
            self._failure = None if self._closed else failure
            self._events.close()

    async def answer_late(self) -> None:
        """Answer a pause that the vendor leaves without an answer for too long."""
        while True:
            await self._paused.wait()
            self._paused.clear()
            try:
                async with asyncio.timeout(self._settings.finalize_ms / 1_000):
                    await self._paused.wait()
            except TimeoutError:
                if self._words.waiting:
                    self._tell(self._words.give_up())

    def close(self) -> None:
        """Hear nothing more: the call is over."""
        self._closed = True
        self._events.close()

    async def _commit(self) -> None:
        """Have transcribed what was said since the last time, if the vendor has not begun to."""
        enough, stretch = self._gate.passed_ms >= wire.LEAST_MS, self._gate.cut()
        if not stretch.voiced or stretch.end_ms <= self._words.committed_ms:
            return
        self._words.commit(stretch.end_ms)
        if not enough and not self._settings.hears_voice:
            await self._send(wire.append(self._silence()))
        await self._send(wire.COMMIT)

    def _tell(self, events: list[STTEvent]) -> None:
        for event in events:
            self._events.put(event)

    async def _send(self, message: str) -> None:
        with ERRORS.translated():
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(message)

    def _silence(self) -> bytes:
        """What makes a commit long enough."""
        count = self._audio.bytes_in(wire.LEAST_MS) // self._audio.sample_bytes
        return self._audio.silence * count

    def _decode(self, message: aiohttp.WSMessage) -> wire.ServerEvent | None:
        if not isinstance(message.data, str | bytes):
            # No message: what has happened to the connection.
            raise ERRORS.unreachable(type(message.data).__name__)
        return wire.decode(message.data, self._settings.api_key)

    def _hung_up(self) -> PatterError:
        return ERRORS.hung_up(self._socket.close_code)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise PatterConnectionError("this session is closed", fix="open another one")
