"""What a transcription session of the Realtime API can be set to, and the message that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.vendors.options import address, choice, key, number, several, switch
from patter_openai import _transcription_wire
from patter_openai._access import Access
from patter_openai._gate import prepared
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from patter.providers.health import HealthReport

DELAYS = ("minimal", "low", "medium", "high", "xhigh")


@attrs.frozen(kw_only=True)
class TranscribeSettings:
    """Which model transcribes, and who finds the pauses. Immutable: share it between calls.

    With *turn_detection* ``none`` Patter finds them, and only voices louder than *gate_db* (dB of
    full scale) are sent. With ``server_vad`` OpenAI does, too: after *silence_duration_ms*, from
    *threshold* (0 to 1) on, *prefix_padding_ms* before a voice being heard with it; or with
    ``semantic_vad``, as soon as *eagerness* says. Interims come when a pause was found, with the
    models ``gpt-live-transcribe`` and ``gpt-realtime-whisper`` while somebody speaks.

    *language* is of two letters; without it the model guesses. *prompt* says what to expect,
    *keywords* which words (``gpt-transcribe`` and ``gpt-live-transcribe``), *delay* how long
    ``gpt-realtime-whisper`` waits for more. *noise_reduction* is ``near_field`` or ``far_field``.
    *confidence* is asked for. A pause is answered after *finalize_ms* at the latest; words that
    come later are told then. *native_audio* sends a telephone's audio as it is; without it,
    24 kHz. Connecting and settling take *timeout* seconds each at the most: a caller hears them as
    silence, and they may be tried again.
    """

    name: ClassVar[str] = "openai"

    model: str = "gpt-4o-transcribe"
    language: str = ""
    prompt: str = ""
    keywords: tuple[str, ...] = several()
    delay: str = choice("", *DELAYS)
    turn_detection: str = choice("none", "none", "server_vad", "semantic_vad")
    threshold: float = number(0.5, 0, 1)
    prefix_padding_ms: int = number(300, 0, 5_000, whole=True)
    silence_duration_ms: int = number(500, 50, 10_000, whole=True)
    eagerness: str = choice("auto", "low", "medium", "high", "auto")
    noise_reduction: str = choice("", "near_field", "far_field")
    confidence: bool = switch(False)
    gate_db: float = number(-50.0, -100, 0)
    finalize_ms: int = number(1_500, 100, 10_000, whole=True)
    timeout: float = number(4.0, *SILENCES)
    native_audio: bool = switch(True)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    def __attrs_post_init__(self) -> None:
        if self.model == "gpt-realtime-whisper" and self.turn_detection != "none":
            raise PatterConfigError(
                "gpt-realtime-whisper finds no pauses", fix="use turn_detection='none'"
            )
        if self.delay and self.model != "gpt-realtime-whisper":
            raise PatterConfigError(
                f"{self.model} has no delay", fix="leave delay out, or use gpt-realtime-whisper"
            )

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """A telephone's formats, which it takes as they are, and 24 kHz."""
        return (MULAW_8K, ALAW_8K, PCM16_24K) if self.native_audio else (PCM16_24K,)

    @property
    def hears_voice(self) -> bool:
        """Does OpenAI tell when voices begin and end? Then it is sent silence, too."""
        return self.turn_detection != "none"

    @property
    def endpoints(self) -> bool:
        """Does OpenAI tell that a turn has ended, not only a voice?"""
        return self.turn_detection == "semantic_vad"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that it connects to."""
        return (host_of(self.base_url),)

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self.access.check(self.model)

    async def warm(self) -> None:
        """Make what a socket needs: name, TLS settings, and the client."""
        await prepared()
        await self.access.api.warm("/models")

    def session_update(self, audio: AudioFormat) -> str:
        """The message that settles the session."""
        transcription = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
            "keywords": list(self.keywords),
            "delay": self.delay,
        }
        return _transcription_wire.session_update(
            audio,
            transcription,
            self._detection(),
            noise_reduction=self.noise_reduction,
            logprobs=self.confidence,
        )

    def _detection(self) -> dict[str, Any] | None:
        match self.turn_detection:
            case "server_vad":
                return {
                    "type": "server_vad",
                    "threshold": self.threshold,
                    "prefix_padding_ms": self.prefix_padding_ms,
                    "silence_duration_ms": self.silence_duration_ms,
                }
            case "semantic_vad":
                return {"type": "semantic_vad", "eagerness": self.eagerness}
        return None

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(base_url=self.base_url, api_key=self.api_key)
