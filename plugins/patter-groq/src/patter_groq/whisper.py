"""Whisper at Groq: what was said between two pauses is sent at the second, as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import attrs

from patter.aio import task_scope
from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.http_api import HttpApi
from patter.vendors.options import address, choice, key, number, switch
from patter_groq import _whisper_wire
from patter_groq._access import api_of, check
from patter_groq._errors import ERRORS
from patter_groq._settings import BASE_URL, KEY, SILENCES, host_of
from patter_groq._utterance import Utterance, Utterances

if TYPE_CHECKING:
    from patter.providers.context import CallContext
    from patter.providers.health import HealthReport
    from patter.providers.stt import STT

_PENDING = 16
"""So many files may wait for the one before; more, and Groq is too slow for a call."""

_VOUCH_S = 1.0
_MOST_S = 500
"""So much at 24 kHz is just under the 25 MB that a file may have."""


@attrs.frozen(kw_only=True)
class GroqWhisperSTT:
    """Which Whisper transcribes. Immutable: share one between any number of calls.

    There are no interims: words come at the pause that `finalize` tells, or after *most_s* of
    speech without one. *language* is of two or three letters; without it the model guesses.
    *prompt* says which words to expect, in at most 224 tokens. *word_times* cost some latency;
    they come with ``verbose_json``. What is quieter than *gate_db* (dB of full scale) is not sent.
    A file that takes longer than *timeout* seconds is given up: an error, the words are lost.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_8K, PCM16_16K, PCM16_24K)
    name: ClassVar[str] = "groq"

    model: str = "whisper-large-v3-turbo"
    language: str = ""
    prompt: str = ""
    temperature: float | None = number(None, 0, 1)
    response_format: str = choice("json", "json", "verbose_json")
    word_times: bool = switch(False)
    gate_db: float = number(-50.0, -100, 0)
    most_s: float = number(30.0, 1, _MOST_S)
    timeout: float = number(10.0, *SILENCES)
    user_agent: str = ""
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    @asynccontextmanager
    async def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AsyncIterator[GroqWhisperSession]:
        """Listen for one call. Files are sent one after the other, each when it is complete."""
        del call
        async with task_scope() as tasks:
            session = GroqWhisperSession(self, audio, Utterances(audio, self.gate_db))
            sender = tasks.create_task(session.run(), name="groq-whisper-send")
            try:
                yield session
            finally:
                session.close()
                sender.cancel()

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await check(self.api, self.model)

    async def warm(self) -> None:
        """Import what a call needs, and open a connection that the first file takes over."""
        # Loudness is measured with it.
        await asyncio.to_thread(import_module, "numpy")
        await self.api.warm("/models")

    def fields(self) -> dict[str, str]:
        """The fields that go with each file; what is empty is left to Groq."""
        verbose = self.word_times or self.response_format == "verbose_json"
        fields = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
            "temperature": "" if self.temperature is None else f"{self.temperature:g}",
            "response_format": "verbose_json" if verbose else "json",
            "timestamp_granularities[]": "word" if self.word_times else "",
        }
        return {name: value for name, value in fields.items() if value}

    @property
    def api(self) -> HttpApi:
        """Where requests go."""
        return api_of(self.base_url, self.api_key, self.model, self.user_agent)


@attrs.define(eq=False)
class GroqWhisperSession:
    """One caller's audio, kept until it is worth a file."""

    settings: GroqWhisperSTT
    audio: AudioFormat
    _speech: Utterances
    _files: asyncio.Queue[Utterance] = attrs.field(
        factory=lambda: asyncio.Queue(_PENDING), init=False, repr=False
    )
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )

    async def send(self, audio: bytes) -> None:
        """Keep what is louder than silence. Raises PatterError when a file has failed."""
        self._events.check_open()
        self._speech.feed(audio)
        if self._speech.kept_ms > self.settings.most_s * 1_000:
            self._cut()

    async def finalize(self) -> None:
        """Transcribe what was said since the last pause; an empty final if nothing was."""
        self._events.check_open()
        self._cut()

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self._events:
            yield event

    async def run(self) -> None:
        """Send file after file, until one fails or the session is closed."""
        await self._events.guarded(self._send)

    def close(self) -> None:
        """Hear nothing more: the call is over."""
        self._events.end()

    async def _send(self) -> None:
        await self._vouch()
        while True:
            self._events.put(await self._heard(await self._files.get()))

    def _cut(self) -> None:
        try:
            self._files.put_nowait(self._speech.cut())
        except asyncio.QueueFull:
            raise PatterConnectionError(
                "Groq transcribes slower than is spoken", fix=f"see {ERRORS.status_page}"
            ) from None

    async def _heard(self, utterance: Utterance) -> Transcript:
        if not utterance.sound:
            return Transcript("", final=True, end_ms=utterance.end_ms)
        try:
            return await self._transcribed(utterance)
        except PatterError as failure:
            # Mostly a connection that Groq closed in a pause; what was said cannot be said again.
            if failure.code is not ErrorCode.CONNECTION:
                raise
        return await self._transcribed(utterance)

    async def _transcribed(self, utterance: Utterance) -> Transcript:
        settings = self.settings
        file = ("speech.wav", _whisper_wire.wav(utterance.sound, self.audio), "audio/wav")
        # A form can be sent once.
        form = await settings.api.form(settings.fields().items(), file)
        body = await settings.api.json(
            "POST", "/audio/transcriptions", form, within_s=settings.timeout
        )
        return _whisper_wire.decoded(body, utterance)

    async def _vouch(self) -> None:
        """See whether Groq takes the key and has the model, before the first words.

        That opens the connection, too. What may pass is left to the first file.
        """
        try:
            async with asyncio.timeout(_VOUCH_S):
                await self.settings.check()
        except TimeoutError:
            return
        except PatterError as failure:
            if not failure.passing:
                raise


if TYPE_CHECKING:
    _: type[STT] = GroqWhisperSTT
