"""Voices of OpenAI, streamed as raw samples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.audio.formats import PCM16_24K, AudioFormat
from patter.errors import PatterConfigError, PatterConnectionError
from patter.providers.tts import Speech
from patter.vendors.chat_wire import clean
from patter.vendors.options import address, key, number
from patter_openai import _speech_wire
from patter_openai._access import Access
from patter_openai._errors import ERRORS
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of
from patter_openai.llm import agent_header

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.context import CallContext
    from patter.providers.health import HealthReport
    from patter.providers.tts import TTS


@attrs.frozen(kw_only=True)
class OpenAITTS:
    """Which voice speaks, and how. Immutable: share one between any number of calls.

    *voice* is one of OpenAI's or the id of your own (``voice_...``). *instructions* say how to
    speak, to models that heed them (not ``tts-1``). *speed* is 0.25 to 4. A sentence of which
    nothing comes for *timeout* seconds has failed.
    """

    produces: ClassVar[tuple[AudioFormat, ...]] = (PCM16_24K,)
    name: ClassVar[str] = "openai"

    model: str = "gpt-4o-mini-tts"
    voice: str = "alloy"
    instructions: str = ""
    speed: float = number(1.0, 0.25, 4)
    user_agent: str = ""
    organization: str = ""
    project: str = ""
    timeout: float = number(10.0, *SILENCES)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    def __attrs_post_init__(self) -> None:
        if self.instructions and self.model.startswith("tts-1"):
            raise PatterConfigError(
                f"{self.model} heeds no instructions",
                fix="leave instructions out, or use model='gpt-4o-mini-tts'",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[OpenAIVoice]:
        """A voice for one call. Requests share connections with all other calls."""
        del call, audio
        yield OpenAIVoice(self)

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self.access.check(self.model)

    async def warm(self) -> None:
        """Import the client and open a connection."""
        await self.access.reach()

    def body(self, text: str) -> dict[str, Any]:
        """The request that speaks *text*."""
        body: dict[str, Any] = {
            "model": self.model,
            "voice": {"id": self.voice} if self.voice.startswith("voice_") else self.voice,
            "input": text,
            "response_format": "pcm",
        }
        if self.instructions:
            body["instructions"] = self.instructions
        return body if self.speed == 1.0 else {**body, "speed": self.speed}

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.api_key,
            organization=self.organization,
            project=self.project,
            headers=agent_header(self.user_agent),
        )


@attrs.define(eq=False)
class OpenAIVoice:
    """A voice for one call."""

    settings: OpenAITTS

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this closes the request."""
        async for sentence in text:
            for part in _speech_wire.parts(clean(sentence)):
                async with aclosing(self._part(part)) as pieces:
                    async for piece in pieces:
                        yield piece

    async def _part(self, text: str) -> AsyncGenerator[Speech, None]:
        begins, pending = text, b""
        async with aclosing(self._audio(text)) as chunks:
            async for chunk in chunks:
                ready, pending = _speech_wire.whole(pending, chunk)
                if ready:
                    yield Speech(ready, begins)
                    begins = ""
        if begins and any(map(str.isalnum, text)):
            raise PatterConnectionError(
                "OpenAI sent no audio for a sentence", fix=f"try again; see {ERRORS.status_page}"
            )

    async def _audio(self, text: str) -> AsyncGenerator[bytes, None]:
        """The samples of *text* as they come; the body read to its end keeps the connection."""
        settings = self.settings
        async with settings.access.api.answer(
            "POST", "/audio/speech", settings.body(text), silence_s=settings.timeout
        ) as answer:
            if not _speech_wire.is_audio(kind := answer.headers.get("Content-Type", "")):
                raise ERRORS.garbled(kind)
            async for chunk in answer.content.iter_any():
                yield chunk


if TYPE_CHECKING:
    _: type[TTS] = OpenAITTS
