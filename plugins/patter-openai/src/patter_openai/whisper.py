"""Speech to text by files: what was said between two pauses is sent at the second, in one piece."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.vendors.options import address, choice, key, number, several, switch
from patter.vendors.utterances import Clip, FileSession, transcript
from patter_openai import _whisper_wire
from patter_openai._access import Access
from patter_openai._errors import ERRORS
from patter_openai._gate import Gate, GatedClips, prepared
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from patter.providers.context import CallContext
    from patter.providers.health import HealthReport
    from patter.providers.stt import STT, Transcript


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

    def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AbstractAsyncContextManager[FileSession]:
        """Listen for one call. Files are sent one after the other, each when it is complete."""
        del call
        clips = GatedClips(Gate(audio, self.gate_db))
        heard = partial(self._heard, audio)
        return FileSession(ERRORS, clips, self.most_s, self.check, heard).listening()

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

    async def _heard(self, audio: AudioFormat, clip: Clip) -> Transcript:
        api = self.access.api
        file = ("speech.wav", _whisper_wire.wav(clip.sound, audio), "audio/wav")
        form = await api.form(_whisper_wire.pairs(self.form()), file)
        body = await api.json("POST", "/audio/transcriptions", form, within_s=self.timeout)
        return transcript(body, clip, ERRORS)

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.api_key,
            organization=self.organization,
            project=self.project,
        )


if TYPE_CHECKING:
    _: type[STT] = WhisperSTT
