"""Rime's voice over streaming HTTP: one request for each sentence."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import aiohttp
import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.client_pool import CONNECT_S, ClientPool, client_pool
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.providers.tts import Speech
from patter.vendors.options import address, key, number
from patter.vendors.requests import warmed_connection
from patter_rime import _socket
from patter_rime._errors import ERRORS
from patter_rime._options import KEY, SpeechOptions
from patter_rime._wire import pieces

if TYPE_CHECKING:
    from patter.providers.tts import TTS

API = "https://users.rime.ai"
PATH = "/v1/rime-tts"
_KINDS = {Encoding.MULAW: "audio/PCMU", Encoding.PCM16: "audio/L16"}
"""What an answer is asked to be. Rime's L16 is little-endian, unlike that of RFC 2586."""


@attrs.frozen(kw_only=True)
class RimeRestTTS(SpeechOptions):
    """A voice that is asked sentence by sentence. Immutable: share one.

    What both voices take is in `SpeechOptions`. *chunk_size*: the most bytes of one piece of
    audio, 2 to 1048576. It tells no word times: what was heard is estimated. *base_url* is
    ``https://users-east.rime.ai`` in the east of the United States.
    """

    chunk_size: int = number(4_096, 2, 1 << 20, whole=True)
    base_url: str = address(API)
    api_key: str = key(KEY)
    name: ClassVar[str] = "rime-rest"

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        audio: AudioFormat,
    ) -> AsyncIterator[RimeRestSession]:
        """Get ready; each sentence is a request over connections that are kept."""
        async with client_pool() as pool:
            yield RimeRestSession(self, audio, pool)

    async def check(self) -> HealthReport:
        """Does Rime know the key? Costs nothing. Raises PatterError when it does not."""
        return await _socket.checked(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to Rime open, on which the next sentence is spoken."""
        await warmed_connection(self.base_url, ERRORS)


@attrs.define(eq=False)
class RimeRestSession:
    """One call's voice."""

    _settings: RimeRestTTS
    _audio: AudioFormat
    _pool: ClientPool

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this closes the request.

        Raises PatterError when Rime fails, and what *text* raises.
        """
        async for sentence in text:
            for piece in pieces(sentence):
                async with aclosing(self._spoken(piece)) as speeches:
                    async for speech in speeches:
                        yield speech

    async def _spoken(self, text: str) -> AsyncGenerator[Speech, None]:
        begins, half = text, b""
        with ERRORS.translated():
            async with self._answer(text) as answer:
                async for chunk in answer.content.iter_chunked(self._settings.chunk_size):
                    audio = half + chunk
                    size = len(audio) - len(audio) % self._audio.sample_bytes
                    half = audio[size:]
                    if size:
                        yield Speech(audio[:size], begins)
                        begins = ""
        if begins:
            # So Rime answers for a speaker or a language that the model does not have.
            raise PatterConnectionError(
                "Rime sent no audio for a sentence",
                fix="try again; see that the model has the speaker and the lang",
            )

    @asynccontextmanager
    async def _answer(self, text: str) -> AsyncIterator[aiohttp.ClientResponse]:
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
            json={"text": text, **settings.request_fields(self._audio)},
            headers={
                **_socket.authorization(settings.api_key),
                "Accept": _KINDS[self._audio.encoding],
            },
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            await _socket.raise_refusal(answer, settings.api_key)
            if not answer.content_type.startswith("audio/"):
                raise ERRORS.garbled(answer.content_type)
            yield answer


if TYPE_CHECKING:
    _: type[TTS] = RimeRestTTS
