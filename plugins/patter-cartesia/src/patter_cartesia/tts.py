"""Text to speech with Sonic, over ``/tts/websocket``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import number, switch
from patter_cartesia import _socket
from patter_cartesia._options import Options, encoding_of, formats
from patter_cartesia._sonic import Speaking
from patter_cartesia._speaking import SpeakSession, Voice

if TYPE_CHECKING:
    from patter.providers.tts import TTS

_PLAIN = ("sonic-2", "sonic-turbo", "sonic-english", "sonic-multilingual", "sonic-preview")
"""Models before Sonic 3, which have no generation_config."""


@attrs.frozen(kw_only=True)
class CartesiaTTS(Options):
    """How Sonic speaks. Immutable: share one between any number of calls.

    *voice* is the id of one; *language* is ISO 639-1, and the empty text leaves it to Cartesia.
    For Sonic 3: *speed* 0.6 to 1.5 and *volume* 0.5 to 2, 1 is the voice's own; *emotion* is one
    of Cartesia's names, such as ``calm``. *pronunciation_dict_id* is a dictionary at Cartesia.
    *max_buffer_delay_ms*, 0 to 5000, is how long Sonic may wait for more text before it begins:
    a call gives it whole sentences, so that it has nothing to wait for. *word_timestamps* are what
    tells which words were heard. Audio that is owed and does not come for *timeout_ms* is a
    failure.

    Raises PatterConfigError for a value that Cartesia would refuse.
    """

    model: str = "sonic-3"
    voice: str = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
    language: str = "en"
    speed: float | None = number(None, 0.6, 1.5)
    volume: float | None = number(None, 0.5, 2.0)
    emotion: str = ""
    pronunciation_dict_id: str = ""
    max_buffer_delay_ms: int = number(0, 0, 5_000, whole=True)
    word_timestamps: bool = switch(True)
    timeout_ms: float = number(4_000, 1, 60_000)

    def __attrs_post_init__(self) -> None:
        if not self.voice:
            raise PatterConfigError(
                "CartesiaTTS has no voice", fix="give the id of one of play.cartesia.ai/voices"
            )
        if self._generation and self.model.startswith(_PLAIN):
            raise PatterConfigError(
                f"{self.model!r} has no {' and no '.join(self._generation)}",
                fix="use sonic-3 or a newer model",
            )

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """The formats that a call may ask for, best first."""
        return formats(self.encoding, self.sample_rate)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[SpeakSession]:
        """Connect, and yield a voice that keeps its connection between replies."""
        voice = Voice(
            account=self.account,
            speaking=Speaking(self._settings(audio)),
            timeout_ms=self.timeout_ms,
        )
        async with SpeakSession(call.clock, voice, audio).open() as session:
            yield session

    async def check(self) -> HealthReport:
        """Does Cartesia know the key, and the voice? Costs nothing."""
        return await _socket.check(self.account, f"/voices/{quote(self.voice, safe='')}")

    async def warm(self) -> None:
        """Leave a connection to Cartesia open, on which the next call is spoken."""
        await self.check()

    def _settings(self, audio: AudioFormat) -> dict[str, Any]:
        """What each message of a context says."""
        settings: dict[str, Any] = {
            "model_id": self.model,
            # An id alone is enough from 2026-08-14 on; before, an object was asked for.
            "voice": {"mode": "id", "id": self.voice},
            "output_format": {
                "container": "raw",
                "encoding": encoding_of(audio),
                "sample_rate": audio.rate_hz,
            },
            "language": self.language,
            "generation_config": self._generation,
            "pronunciation_dict_id": self.pronunciation_dict_id,
        }
        settings = {name: value for name, value in settings.items() if value}
        return settings | {
            "max_buffer_delay_ms": self.max_buffer_delay_ms,
            "add_timestamps": self.word_timestamps,
        }

    @property
    def _generation(self) -> dict[str, float | str]:
        wanted = {"speed": self.speed, "volume": self.volume, "emotion": self.emotion or None}
        return {name: value for name, value in wanted.items() if value is not None}


if TYPE_CHECKING:
    _: type[TTS] = CartesiaTTS
