"""Scribe, ElevenLabs' recogniser, over its realtime WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from patter.aio import task_scope
from patter.audio.formats import (
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
)
from patter.clock import Timer
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.providers.stt import STTEvent, Transcript, TurnEnded
from patter.vendors.events import SessionEvents
from patter.vendors.options import address, choice, key, number, query, several, socket_url, switch
from patter.vendors.requests import warmed_connection
from patter.vendors.sockets import VendorSocket
from patter_elevenlabs import _scribe_wire, _socket
from patter_elevenlabs._errors import ERRORS
from patter_elevenlabs._positions import Positions
from patter_elevenlabs._segments import Segments
from patter_elevenlabs._settings import BASE_URL, KEY, format_name

if TYPE_CHECKING:
    from patter.providers.stt import STT

IDLE_S = 5.0
"""A session without audio is closed after about 15 s; silence is sent long before."""

PAD_MS = 100

TIMED_S = 0.3
"""How long a final waits for the times of its words."""

VENDOR_SILENCE_S = 1.5
"""The vendor's own ``vad_silence_threshold_secs``."""


@attrs.frozen(kw_only=True)
class ElevenLabsScribeSTT:
    """How Scribe listens. Immutable: share one between any number of calls.

    *commit_strategy*: ``manual``, the call says when a turn is over; ``vad``, Scribe does, after
    *vad_silence_threshold_secs* (0.3 to 3; the vendor's 1.5) without a voice louder than
    *vad_threshold* (0.1 to 0.9; 0.4) that lasted *min_speech_duration_ms* (50 to 2000; 100), the
    silence *min_silence_duration_ms* (50 to 2000; 100); ``turn_prediction`` decides by the words.
    *language_code* (ISO 639-1) None: it finds out, among *secondary_languages* too.
    *keyterms*: up to 50 of 20 characters, to be expected. *no_verbatim* leaves out filler words.
    *filter_background_audio* ignores other voices. *include_timestamps* False saves a message
    and loses the positions of words. *entity_detection*, *entity_redaction*: ``all``, a category
    (pii, phi, pci) or types; *entity_redaction_mode*: redacted, entity_type or
    enumerated_entity_type. *previous_text*: what was said before, as context. *enable_logging*
    False is zero retention, for enterprise accounts. *chunk_ms*: audio of one message.
    *answer_s*: how long a pause waits for its words.
    """

    model_id: str = "scribe_v2_realtime"
    language_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    secondary_languages: tuple[str, ...] = several()
    commit_strategy: str = choice("manual", "manual", "vad", "turn_prediction")
    vad_silence_threshold_secs: float | None = number(None, 0.3, 3)
    vad_threshold: float | None = number(None, 0.1, 0.9)
    min_speech_duration_ms: int | None = number(None, 50, 2_000, whole=True)
    min_silence_duration_ms: int | None = number(None, 50, 2_000, whole=True)
    keyterms: tuple[str, ...] = several(most=50, longest=20)
    include_timestamps: bool = switch(True)
    no_verbatim: bool = switch()
    filter_background_audio: bool = switch()
    entity_detection: tuple[str, ...] = several()
    entity_redaction: tuple[str, ...] = several()
    entity_redaction_mode: str | None = choice(
        None, "redacted", "entity_type", "enumerated_entity_type"
    )
    previous_text: str = ""
    enable_logging: bool = switch(True)
    chunk_ms: int = number(60, 10, 1_000, whole=True)
    answer_s: float = number(1.0, 0.01, 10)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """What it can be sent, a telephone's own format first."""
        return (MULAW_8K, PCM16_16K, PCM16_8K, PCM16_24K)

    @property
    def endpoints(self) -> bool:
        """Does it say when a turn is over?"""
        return self.commit_strategy != "manual"

    @property
    def model(self) -> str:
        """The model, as records and prices know it."""
        return self.model_id

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AsyncIterator[ElevenLabsScribeSession]:
        """Connect, and listen for as long as inside."""
        url = socket_url(self.base_url, _scribe_wire.PATH)
        opened = _socket.opened(url, self.query(audio), self.api_key)
        async with opened as socket, task_scope() as tasks:
            session = ElevenLabsScribeSession(self, call, audio, socket)
            work = [tasks.create_task(each, name="elevenlabs-scribe") for each in session.run()]
            try:
                yield session
            finally:
                session.close()
                for task in work:
                    task.cancel()

    async def check(self) -> HealthReport:
        """Is the key known? Costs nothing."""
        return await _socket.checked(self.base_url, "/v1/models", self.api_key)

    async def warm(self) -> None:
        """Import the client and open a connection that the first socket takes over."""
        await asyncio.to_thread(import_module, "aiohttp")
        await warmed_connection(self.base_url, ERRORS)

    def query(self, audio: AudioFormat) -> list[tuple[str, str]]:
        """What the address of a session says about listening and *audio*."""
        return query(
            {
                "model_id": self.model_id,
                "audio_format": format_name(audio),
                "commit_strategy": self.commit_strategy,
                "include_timestamps": self.include_timestamps,
                "language_code": self.language_code,
                "secondary_languages": self.secondary_languages,
                "vad_silence_threshold_secs": self.vad_silence_threshold_secs,
                "vad_threshold": self.vad_threshold,
                "min_speech_duration_ms": self.min_speech_duration_ms,
                "min_silence_duration_ms": self.min_silence_duration_ms,
                "keyterms": self.keyterms,
                "no_verbatim": self.no_verbatim or None,
                "filter_background_audio": self.filter_background_audio or None,
                "entity_detection": self.entity_detection,
                "entity_redaction": self.entity_redaction,
                "entity_redaction_mode": self.entity_redaction_mode,
                "enable_logging": None if self.enable_logging else False,
            }
        )


@attrs.define(eq=False)
class ElevenLabsScribeSession:
    """One caller's audio going up, and words coming down."""

    _settings: ElevenLabsScribeSTT
    _call: CallContext
    _audio: AudioFormat
    _socket: VendorSocket
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _positions: Positions = attrs.field(init=False)
    _segments: Segments = attrs.field(init=False)
    _before: str = attrs.field(init=False)
    _sent_at_ms: float = attrs.field(init=False)
    _answering: Timer | None = attrs.field(default=None, init=False)
    _timing: Timer | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._positions = Positions(self._audio)
        self._segments = Segments(self._positions)
        self._before = self._settings.previous_text
        self._sent_at_ms = self._call.clock.ms()

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when nobody hears it."""
        if audio:
            self._positions.add(len(audio))
            await self._send(audio)

    async def finalize(self) -> None:
        """Have what is pending made final; a pause is answered within `answer_s` or so."""
        if self._settings.endpoints:
            self._expect_answer(self._silence_s if self._segments.partial else 0.0)
        elif self._positions.uncommitted_ms >= _scribe_wire.LEAST_COMMIT_MS:
            self._positions.commit()
            self._expect_answer()
            await self._send(commit=True)
        elif not self._segments.owed:
            # The vendor refuses to look at so little, and it is less than a word.
            self._segments.owed = True
            self._tell(self._segments.throttled())

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    def run(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """The work that goes on for as long as the session does."""
        return self._events.guarded(self._read), self._events.guarded(self._keep)

    def close(self) -> None:
        """The call is over: nothing is heard any more."""
        for timer in (self._answering, self._timing):
            if timer is not None:
                timer.cancel()
        self._events.end()

    async def _read(self) -> None:
        """Take in what the vendor sends, until the session ends."""
        async for message in self._socket:
            self._hear(_scribe_wire.decode(message, self._settings.api_key))

    async def _keep(self) -> None:
        """Send silence where the caller's line sends nothing: without audio a session is closed."""
        silence = self._audio.silence * (self._audio.bytes_in(PAD_MS) // self._audio.sample_bytes)
        while True:
            quiet_ms = self._call.clock.ms() - self._sent_at_ms
            if quiet_ms < IDLE_S * 1_000:
                await self._call.clock.sleep(IDLE_S * 1_000 - quiet_ms)
                continue
            self._positions.pad(len(silence))
            await self._send(silence)

    def _hear(self, heard: _scribe_wire.Heard | None) -> None:
        match heard:
            case _scribe_wire.Partial(text):
                self._tell(self._segments.interim(text))
            case _scribe_wire.Committed(text, timed=False) if text and self._times:
                # Its words follow in a message of their own, nearly always.
                self._tell(self._segments.release())
                self._segments.hold(heard)
                self._timing = self._after(TIMED_S, self._release)
            case _scribe_wire.Committed():
                self._tell(self._segments.commit(heard))
            case _scribe_wire.Throttled():
                self._tell(self._segments.throttled())

    def _release(self) -> None:
        self._tell(self._segments.release())

    def _late(self) -> None:
        self._tell(self._segments.release() or self._segments.late())

    def _tell(self, finals: list[Transcript]) -> None:
        for each in finals:
            self._events.put(each)
            if each.final and each.text and self._settings.endpoints:
                self._events.put(TurnEnded())

    def _expect_answer(self, more_s: float = 0.0) -> None:
        self._segments.owed = True
        if self._answering is not None:
            self._answering.cancel()
        self._answering = self._after(self._settings.answer_s + more_s, self._late)

    def _after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        clock = self._call.clock
        return clock.at(clock.ms() + seconds * 1_000, callback)

    @property
    def _times(self) -> bool:
        return self._settings.include_timestamps

    @property
    def _silence_s(self) -> float:
        return self._settings.vad_silence_threshold_secs or VENDOR_SILENCE_S

    async def _send(self, audio: bytes = b"", *, commit: bool = False) -> None:
        self._events.check_open()
        self._sent_at_ms = self._call.clock.ms()
        before, self._before = self._before, ""
        rate_hz = self._audio.rate_hz
        message = _scribe_wire.chunk(audio, rate_hz, commit=commit, before=before)
        await self._socket.send(message)


ElevenLabsSTT = ElevenLabsScribeSTT
"""The recogniser, by the name of its vendor."""

if TYPE_CHECKING:
    _: type[STT] = ElevenLabsScribeSTT
