"""Whisper at Groq: what was said between two pauses is sent at the second, as a file."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import attrs

from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError
from patter.vendors.http_api import HttpApi
from patter.vendors.options import address, choice, key, number, switch
from patter.vendors.utterances import Clip, FileSession, transcript, wav
from patter_groq._access import api_of, check
from patter_groq._errors import ERRORS
from patter_groq._settings import BASE_URL, KEY, SILENCES, host_of
from patter_groq._utterance import Utterances

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from patter.providers.context import CallContext
    from patter.providers.health import HealthReport
    from patter.providers.stt import STT, Transcript

_MOST_S = 500
"""How much at 24 kHz is just under the 25 MB that a file may have."""


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

    def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AbstractAsyncContextManager[FileSession]:
        """Listen for one call. Files are sent one after the other, each when it is complete."""
        del call
        clips = Utterances(audio, self.gate_db)
        heard = partial(self._heard, audio)
        return FileSession(ERRORS, clips, self.most_s, self.check, heard).listening()

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

    async def _heard(self, audio: AudioFormat, clip: Clip) -> Transcript:
        try:
            return await self._transcript(audio, clip)
        except PatterError as failure:
            # Mostly a connection that Groq closed in a pause; what was said cannot be said again.
            if failure.code is not ErrorCode.CONNECTION:
                raise
        return await self._transcript(audio, clip)

    async def _transcript(self, audio: AudioFormat, clip: Clip) -> Transcript:
        file = ("speech.wav", wav(clip.sound, audio), "audio/wav")
        # A form can be sent once.
        form = await self.api.form(self.fields().items(), file)
        body = await self.api.json("POST", "/audio/transcriptions", form, within_s=self.timeout)
        return transcript(body, clip, ERRORS)

    @property
    def api(self) -> HttpApi:
        """Where requests go."""
        return api_of(self.base_url, self.api_key, self.model, self.user_agent)


if TYPE_CHECKING:
    _: type[STT] = GroqWhisperSTT
