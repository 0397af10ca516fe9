"""ElevenLabs' voice over a WebSocket: one socket for a call, one context for each reply."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.errors import ErrorCode, PatterConfigError, PatterError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.providers.tts import Speech
from patter.vendors.options import key, number, query, switch
from patter.vendors.requests import warmed_connection
from patter_elevenlabs import _socket, _wire
from patter_elevenlabs._contexts import CANCEL_S, Contexts
from patter_elevenlabs._errors import ERRORS
from patter_elevenlabs._reply import VoicedReply
from patter_elevenlabs._settings import (
    KEY,
    SpeechOptions,
    chunk_lengths,
    format_name,
)

if TYPE_CHECKING:
    from patter.providers.tts import TTS

log = logging.getLogger("patter_elevenlabs")

KEPT = 0.4
"""After this part of the vendor's patience with silence it is told that the call goes on."""

STEADY_MS = 5_000
"""A socket that lived as long is replaced when it is gone; before, the next reply sees why."""


_FOR_GOOD = frozenset({ErrorCode.AUTH, ErrorCode.CONFIG})
"""Another socket would be refused as this one was."""


def _model(_: Any, __: Any, model: str) -> None:
    if model.startswith("eleven_v3"):
        raise PatterConfigError(
            f"{model} does not speak over a WebSocket",
            fix="use ElevenLabsRestTTS (elevenlabs-rest), or the model eleven_flash_v2_5",
        )


def _schedule(_: Any, __: Any, lengths: tuple[int, ...]) -> None:
    if not all(50 <= length <= 500 for length in lengths):
        raise PatterConfigError(
            f"chunk_length_schedule is {list(lengths)}", fix="choose lengths from 50 to 500"
        )


@attrs.frozen(kw_only=True)
class ElevenLabsWebSocketTTS(SpeechOptions):
    """A voice that speaks while a reply is still being written. Immutable: share it.

    What all voices take is in `SpeechOptions`. *auto_mode*: each sentence is spoken when it
    comes; False waits for *chunk_length_schedule* characters (50 to 500 each; the vendor's 120,
    160, 250, 290) or the end of a sentence. *inactivity_timeout*: seconds, 1 to 180, after which
    the vendor gives up a socket; it is kept alive before. *sync_alignment*: words are timed with
    each piece of audio, not with a sentence's first. *enable_ssml_parsing*: text may have SSML.
    """

    model_id: str = attrs.field(default="eleven_flash_v2_5", validator=_model)
    auto_mode: bool = switch(True)
    inactivity_timeout: int = number(60, 1, 180, whole=True)
    chunk_length_schedule: tuple[int, ...] = attrs.field(
        default=(), converter=chunk_lengths, validator=_schedule
    )
    sync_alignment: bool = switch(True)
    enable_ssml_parsing: bool = switch()
    api_key: str = key(KEY)
    name: ClassVar[str] = "elevenlabs"

    @asynccontextmanager
    async def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AsyncIterator[ElevenLabsVoiceSession]:
        """Connect, and keep the connection for as long as the call has this voice."""
        async with client_pool(), task_scope() as tasks:
            session = ElevenLabsVoiceSession(self, call, audio, tasks)
            keeper = None
            try:
                await session.ready()
                keeper = tasks.create_task(session.keep(), name="elevenlabs-voice-keeper")
                yield session
            finally:
                if keeper is not None:
                    keeper.cancel()
                await session.close()

    async def check(self) -> HealthReport:
        """Are the key and the voice known? Costs nothing."""
        return await _socket.checked(self.base_url, f"/v1/voices/{self.voice_id}", self.api_key)

    async def warm(self) -> None:
        """Import the client and open a connection that the first socket takes over."""
        await asyncio.to_thread(import_module, "aiohttp")
        await warmed_connection(self.base_url, ERRORS)

    def query(self, audio: AudioFormat) -> list[tuple[str, str]]:
        """What the address of a socket says about the voice and *audio*."""
        return query(
            {
                "model_id": self.model_id,
                "output_format": format_name(audio),
                "inactivity_timeout": self.inactivity_timeout,
                "auto_mode": self.auto_mode,
                "sync_alignment": self.sync_alignment,
                "language_code": self.language_code,
                "apply_text_normalization": self.apply_text_normalization,
                "seed": self.seed,
                "enable_logging": None if self.enable_logging else False,
                "enable_ssml_parsing": self.enable_ssml_parsing or None,
            }
        )

    def began(self, context: str) -> str:
        """The first message of *context*."""
        schedule = () if self.auto_mode else self.chunk_length_schedule
        return _wire.begin(
            context, self.voice_settings, self.pronunciation_dictionary_locators, schedule
        )


@attrs.define(eq=False)
class ElevenLabsVoiceSession:
    """One call's voice. A socket that is gone, or full of old replies, is replaced unheard."""

    _settings: ElevenLabsWebSocketTTS
    _call: CallContext
    _audio: AudioFormat
    _tasks: asyncio.TaskGroup
    _contexts: Contexts | None = attrs.field(default=None, init=False)
    _opened_ms: float = attrs.field(default=0.0, init=False)
    _reader: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _senders: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _gone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _connecting: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def ready(self) -> Contexts:
        """The socket that the next reply is spoken on. Raises PatterError when there is none."""
        async with self._connecting:
            contexts = self._contexts
            if contexts is not None and contexts.usable:
                return contexts
            if contexts is not None and contexts.failure and contexts.failure.code in _FOR_GOOD:
                raise contexts.failure
            await self._drop()
            return await self._connect()

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this closes the reply's context."""
        contexts = await self.ready()
        name, inbox = await contexts.take()
        reply = VoicedReply(contexts, name, inbox, self._call.clock, self._audio, self._timeout_ms)
        try:
            # At once: a task has its turn behind whatever else is ready.
            if (first := await anext(text, None)) is not None:
                await reply.speak(first)
            async with self._sending(reply, text):
                async for speech in reply.heard():
                    yield speech
        finally:
            await self._end(contexts, reply)

    @asynccontextmanager
    async def _sending(self, reply: VoicedReply, text: AsyncIterator[str]) -> AsyncIterator[None]:
        """Send what follows of *text* while inside."""
        sender = self._tasks.create_task(reply.send(text), name="elevenlabs-voice-sender")
        self._senders.add(sender)
        try:
            yield
        finally:
            self._senders.discard(sender)
            sender.cancel()
            await asyncio.wait({sender}, timeout=CANCEL_S)

    async def keep(self) -> None:
        """Keep the socket alive, and replace one that is gone, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._settings.inactivity_timeout * KEPT):
                    await self._gone.wait()
            except TimeoutError:
                pass
            try:
                await self._refresh()
            except PatterError as failed:
                # Nobody is spoken to: whoever is next connects again, and has the error if any.
                log.info("the voice is not kept: %s", failed.message)

    async def close(self) -> None:
        """Leave the socket, in bounded time."""
        for sender in self._senders:
            # Whoever was spoken to may have left without closing the reply.
            sender.cancel()
        async with self._connecting:
            await self._drop()

    async def _refresh(self) -> None:
        self._gone.clear()
        contexts = self._contexts
        if contexts is None:
            return
        if contexts.failure is None and (contexts.usable or contexts.busy):
            await contexts.keep_alive()
        elif contexts.failure is None or self._lived_ms >= STEADY_MS:
            await self.ready()

    @property
    def _lived_ms(self) -> float:
        return self._call.clock.ms() - self._opened_ms

    async def _connect(self) -> Contexts:
        settings, key = self._settings, self._settings.api_key
        url = _wire.socket_url(settings.base_url, settings.voice_id)
        line = AsyncExitStack()
        opened = _socket.opened(url, settings.query(self._audio), key)
        socket = await line.enter_async_context(opened)
        contexts = self._contexts = Contexts(socket, line, settings.began, key)
        self._opened_ms = self._call.clock.ms()
        self._reader = self._tasks.create_task(self._read(contexts), name="elevenlabs-voice-reader")
        await contexts.prepare()
        return contexts

    async def _read(self, contexts: Contexts) -> None:
        await contexts.read()
        self._gone.set()

    async def _drop(self) -> None:
        """Close the socket that there is."""
        contexts, self._contexts = self._contexts, None
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
        if contexts is not None:
            await contexts.end()

    async def _end(self, contexts: Contexts, reply: VoicedReply) -> None:
        """The reply is over, to its end or not: what comes of it now is not wanted."""
        if reply.words.sentences:
            await contexts.leave(reply.context)
        else:
            contexts.give_back(reply.context)
        await contexts.prepare_soon()
        if not contexts.usable:
            self._gone.set()

    @property
    def _timeout_ms(self) -> float:
        return self._settings.timeout_s * 1_000


ElevenLabsTTS = ElevenLabsWebSocketTTS
"""The voice to use on calls."""

if TYPE_CHECKING:
    _: type[TTS] = ElevenLabsWebSocketTTS
