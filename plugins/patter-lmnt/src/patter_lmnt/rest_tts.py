"""LMNT's voice over streaming HTTP: one request for each sentence."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
import attrs

from patter.audio.formats import AudioFormat
from patter.client_pool import CONNECT_S, ClientPool, client_pool
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter.vendors.options import switch
from patter.vendors.requests import json_of
from patter_lmnt._errors import ERRORS, of_answer
from patter_lmnt._options import VoiceOptions, encoded, headers, letters, pieces
from patter_lmnt._wav import WavHeader

if TYPE_CHECKING:
    from patter.providers.tts import TTS

PATH = "/v1/ai/speech/bytes"
CHUNK_BYTES = 4_096
FLOATS = "fp32"
"""In the content type of samples that are floating point, as a public project has seen it answer
for 16-bit ones: played, they are a buzz."""


@attrs.frozen(kw_only=True)
class LMNTRestTTS(VoiceOptions):
    """A voice that is asked sentence by sentence, with a model and a way to speak. Share it.

    What both classes take is in `VoiceOptions`. *temperature* (0.0001 to 5) is how expressive,
    *top_p* (0 to 1) how free it speaks. *debug*: what is spoken is also kept in the account's clip
    library. It tells no word times: heard text is estimated.
    """

    debug: bool = switch()
    name: ClassVar[str] = "lmnt-rest"

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        audio: AudioFormat,
    ) -> AsyncIterator[LMNTRestSession]:
        """Get ready; each sentence is a request over connections that are kept."""
        async with client_pool() as pool:
            yield LMNTRestSession(self, audio, pool)

    def body(self, text: str, audio: AudioFormat) -> dict[str, Any]:
        """The request for *text* in *audio*."""
        body: dict[str, Any] = {
            "text": text,
            "voice": self.voice,
            "model": self.model,
            **encoded(audio),
            "language": self.language,
            "temperature": self.temperature,
            "top_p": self.top_p,
        }
        return {**body, "debug": True} if self.debug else body


@attrs.define(eq=False)
class LMNTRestSession:
    """One call's voice."""

    _settings: LMNTRestTTS
    _audio: AudioFormat
    _pool: ClientPool

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this closes the request."""
        async for sentence in text:
            for piece in filter(letters, pieces(sentence)):
                async with aclosing(self._sentence(piece)) as speeches:
                    async for speech in speeches:
                        yield speech

    async def _sentence(self, text: str) -> AsyncGenerator[Speech, None]:
        begins, half, header = text, b"", WavHeader()
        with ERRORS.translated():
            async with self._response(text) as response:
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    audio = half + header.strip(chunk)
                    size = len(audio) - len(audio) % self._audio.sample_bytes
                    half = audio[size:]
                    if size:
                        yield Speech(audio[:size], begins)
                        begins = ""
        if begins:
            raise PatterConnectionError("LMNT sent no audio for a sentence", fix="try again")

    @asynccontextmanager
    async def _response(self, text: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, which is audio. Raises PatterError."""
        settings = self._settings
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=CONNECT_S,
            sock_connect=CONNECT_S,
            sock_read=settings.timeout_ms / 1_000,
        )
        async with self._pool.http.post(
            f"{settings.base_url}{PATH}",
            json=settings.body(text, self._audio),
            headers=headers(settings.api_key),
            timeout=timeout,
            # The key would go along to wherever another address is.
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                body = await json_of(response)
                raise of_answer(response.status, body, response.headers, settings.api_key)
            if not _is_audio(response.content_type):
                raise ERRORS.garbled(response.content_type)
            yield response


def _is_audio(content_type: str) -> bool:
    """Are there samples in an answer of *content_type*, and not those of another format?"""
    kinds = ("audio/", "application/octet-stream", "application/vnd.lmnt.")
    return content_type.startswith(kinds) and FLOATS not in content_type


if TYPE_CHECKING:
    _: type[TTS] = LMNTRestTTS
