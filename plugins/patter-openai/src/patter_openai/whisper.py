"""Speech to text by files: what was said between two pauses is sent at the second, in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.aio import task_scope
from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError, PatterConnectionError, PatterError
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.options import address, choice, key, number, several, switch
from patter_openai import _whisper_wire
from patter_openai._access import Access
from patter_openai._errors import ERRORS
from patter_openai._gate import Gate, Stretch, prepared
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from patter.providers.context import CallContext
    from patter.providers.health import HealthReport
    from patter.providers.stt import STT

_PENDING = 16
"""So many files may wait for the one before; more, and the vendor is too slow for a call."""

_VOUCH_S = 1.0


@attrs.frozen(kw_only=True)
class WhisperSTT:
    """Which model transcribes. Immutable: share one between any number of calls.

    There are no interims: words come at the pause that `finalize` tells, or after *most_s* of
    speech without one. *language* is of two letters; without it the model guesses. *prompt* and,
    for ``gpt-transcribe``, *keywords* say which words to expect. *word_times* are ``whisper-1``'s
    alone, and cost some latency. What is quieter than *gate_db* (dB of full scale) is not sent.
    A file that takes longer than *timeout* seconds is given up: an error, the words are lost.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_8K, PCM16_16K, PCM16_24K)
    name: ClassVar[str] = "whisper"

    model: str = "whisper-1"
    language: str = ""
    prompt: str = ""
    keywords: tuple[str, ...] = several()
    temperature: float | None = number(None, 0, 1)
    response_format: str = choice("json", "json", "verbose_json")
    word_times: bool = switch(False)
    gate_db: float = number(-50.0, -100, 0)
    most_s: float = number(30.0, 1, 600)
    timeout: float = number(10.0, *SILENCES)
    organization: str = ""
    project: str = ""
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    def __attrs_post_init__(self) -> None:
        verbose = self.word_times or self.response_format == "verbose_json"
        if verbose and self.model != "whisper-1":
            raise PatterConfigError(
                f"{self.model} tells no times of words",
                fix="leave word_times out, or use whisper-1",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[WhisperSession]:
        """Listen for one call. Files are sent one after the other, each when it is complete."""
        del call
        async with task_scope() as tasks:
            session = WhisperSession(self, audio, Gate(audio, self.gate_db))
            sender = tasks.create_task(session.run(), name="whisper-send")
            try:
                yield session
            finally:
                session.close()
                sender.cancel()

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self.access.check(self.model)

    async def warm(self) -> None:
        """Import the client and open a connection."""
        await prepared()
        await self.access.reach()

    def form(self) -> dict[str, Any]:
        """The fields that go with each file."""
        verbose = self.word_times or self.response_format == "verbose_json"
        return _whisper_wire.form(
            {
                "model": self.model,
                "language": self.language,
                "prompt": self.prompt,
                "keywords": self.keywords,
                "temperature": self.temperature,
                "response_format": "verbose_json" if verbose else "json",
                "timestamp_granularities": ("word",) if self.word_times else (),
            }
        )

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.api_key,
            organization=self.organization,
            project=self.project,
        )


@attrs.define(eq=False)
class WhisperSession:
    """One caller's audio, kept until it is worth a file."""

    settings: WhisperSTT
    audio: AudioFormat
    _gate: Gate
    _sound: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _files: asyncio.Queue[tuple[bytes, Stretch]] = attrs.field(
        factory=lambda: asyncio.Queue(_PENDING), init=False, repr=False
    )
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )

    async def send(self, audio: bytes) -> None:
        """Keep what is louder than silence. Raises PatterError when a file has failed."""
        self._events.check_open()
        self._sound += self._gate.feed(audio)
        if self._gate.passed_ms > self.settings.most_s * 1_000:
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
            self._events.put(await self._heard(*await self._files.get()))

    def _cut(self) -> None:
        stretch, sound = self._gate.cut(), bytes(self._sound)
        self._sound.clear()
        try:
            self._files.put_nowait((sound, stretch))
        except asyncio.QueueFull:
            raise PatterConnectionError(
                "OpenAI transcribes slower than is spoken", fix="see status.openai.com"
            ) from None

    async def _heard(self, sound: bytes, stretch: Stretch) -> Transcript:
        if not stretch.voiced:
            return Transcript("", final=True, end_ms=stretch.end_ms)
        settings, api = self.settings, self.settings.access.api
        file = ("speech.wav", _whisper_wire.wav(sound, self.audio), "audio/wav")
        form = await api.form(_whisper_wire.pairs(settings.form()), file)
        body = await api.json("POST", "/audio/transcriptions", form, within_s=settings.timeout)
        return _whisper_wire.decoded(body, stretch)

    async def _vouch(self) -> None:
        """See whether OpenAI takes the key and has the model, before the first words.

        That opens the connection, too. What may pass is left to the first file.
        """
        try:
            async with asyncio.timeout(_VOUCH_S):
                await self.settings.access.check(self.settings.model)
        except TimeoutError:
            return
        except PatterError as failure:
            if not failure.passing:
                raise


if TYPE_CHECKING:
    _: type[STT] = WhisperSTT
