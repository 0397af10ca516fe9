"""ElevenLabs' voice over streaming HTTP: one request for each sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
import attrs

from patter.audio.formats import AudioFormat
from patter.client_pool import CONNECT_S, ClientPool, client_pool
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.providers.tts import Speech
from patter.vendors.options import key, number, query
from patter.vendors.requests import warmed_connection
from patter_elevenlabs import _socket
from patter_elevenlabs._errors import ERRORS
from patter_elevenlabs._settings import KEY, SpeechOptions, format_name
from patter_elevenlabs._voices import voice_id
from patter_elevenlabs._words import letters

if TYPE_CHECKING:
    from patter.providers.tts import TTS


@attrs.frozen(kw_only=True)
class ElevenLabsRestTTS(SpeechOptions):
    """A voice that is asked sentence by sentence, for models that do not speak on a socket.

    What all voices take is in `SpeechOptions`. *chunk_size*: the most bytes of one piece of
    audio. It tells no word times: heard text is estimated.
    """

    voice_id: str = attrs.field(default="21m00Tcm4TlvDq8ikWAM", converter=voice_id)
    chunk_size: int = number(4096, 2, 1 << 20, whole=True)
    api_key: str = key(KEY)
    name: ClassVar[str] = "elevenlabs-rest"

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        audio: AudioFormat,
    ) -> AsyncIterator[ElevenLabsRestSession]:
        """Get ready; each sentence is a request over connections that are kept."""
        async with client_pool() as pool:
            yield ElevenLabsRestSession(self, audio, pool)

    async def check(self) -> HealthReport:
        """Are the key and the voice known? Costs nothing."""
        return await _socket.checked(self.base_url, f"/v1/voices/{self.voice_id}", self.api_key)

    async def warm(self) -> None:
        """Import the client and open a connection that the first sentence takes over."""
        await asyncio.to_thread(import_module, "aiohttp")
        await warmed_connection(self.base_url, ERRORS)

    def body(self, text: str, before: str) -> dict[str, Any]:
        """The request for *text*, which is said after *before*."""
        body: dict[str, Any] = {"text": text, "model_id": self.model_id}
        optional = {
            "language_code": self.language_code,
            "voice_settings": self.voice_settings.wire() if self.voice_settings else None,
            "seed": self.seed,
            "apply_text_normalization": self.apply_text_normalization,
            "pronunciation_dictionary_locators": [
                attrs.asdict(each) for each in self.pronunciation_dictionary_locators
            ],
            # It speaks a sentence as what follows the one before it; eleven_v3 refuses to.
            "previous_text": "" if self.model_id.startswith("eleven_v3") else before,
        }
        return body | {
            name: value for name, value in optional.items() if value not in (None, "", [])
        }

    def query(self, audio: AudioFormat) -> list[tuple[str, str]]:
        """What the address of a request says about *audio*."""
        logging = None if self.enable_logging else False
        return query({"output_format": format_name(audio), "enable_logging": logging})


@attrs.define(eq=False)
class ElevenLabsRestSession:
    """One call's voice."""

    _settings: ElevenLabsRestTTS
    _audio: AudioFormat
    _pool: ClientPool

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this closes the request."""
        before = ""
        async for sentence in text:
            if letters(sentence):
                async with aclosing(self._sentence(sentence.strip(), before)) as pieces:
                    async for piece in pieces:
                        yield piece
            before = sentence

    async def _sentence(self, text: str, before: str) -> AsyncGenerator[Speech, None]:
        begins, half = text, b""
        with ERRORS.translated():
            async with self._response(text, before) as response:
                async for chunk in response.content.iter_chunked(self._settings.chunk_size):
                    audio = half + chunk
                    size = len(audio) - len(audio) % self._audio.sample_bytes
                    half = audio[size:]
                    if size:
                        yield Speech(audio[:size], begins)
                        begins = ""
        if begins:
            raise PatterConnectionError(
                "ElevenLabs sent no audio for a sentence", fix="try again, or use another voice"
            )

    @asynccontextmanager
    async def _response(self, text: str, before: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, which is audio. Raises PatterError."""
        settings = self._settings
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=CONNECT_S,
            sock_connect=CONNECT_S,
            sock_read=settings.timeout_s,
        )
        async with self._pool.http.post(
            f"{settings.base_url}/v1/text-to-speech/{settings.voice_id}/stream",
            params=settings.query(self._audio),
            json=settings.body(text, before),
            headers={"xi-api-key": settings.api_key},
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            await _socket.raise_refusal(response, settings.api_key)
            if not response.content_type.startswith("audio/"):
                raise ERRORS.garbled(response.content_type)
            yield response


if TYPE_CHECKING:
    _: type[TTS] = ElevenLabsRestTTS
