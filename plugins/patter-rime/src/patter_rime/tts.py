"""Rime's voice over a WebSocket, ``/ws3``: one socket a call, with word times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, address, key, query, socket_url
from patter.vendors.requests import warmed_connection
from patter_rime import _socket
from patter_rime._errors import ERRORS
from patter_rime._options import KEY, SpeechOptions
from patter_rime._speaking import RimeSession, Voice

if TYPE_CHECKING:
    from patter.providers.tts import TTS

API = "https://users-ws.rime.ai"


@attrs.frozen(kw_only=True)
class RimeTTS(SpeechOptions):
    """How Rime speaks on a call. Immutable: share one between any number of calls.

    What both voices take is in `SpeechOptions`. Words are timed in English and Spanish; in other
    languages what was heard is estimated. *base_url* is ``https://users-east-ws.rime.ai`` in the
    east of the United States.
    """

    base_url: str = address(API)
    api_key: str = key(KEY)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[RimeSession]:
        """Connect, and yield a voice that keeps its connection between replies."""
        voice = Voice(
            url=socket_url(self.base_url, "/ws3"),
            query=self.query(audio),
            key=self.api_key,
            timeout_ms=self.timeout_ms,
        )
        async with RimeSession(call.clock, voice, audio).open() as session:
            yield session

    async def check(self) -> HealthReport:
        """Open a socket as a call would, which says whether Rime takes the key, and speak nothing.

        Raises PatterError as a call would.
        """
        url, audio = socket_url(self.base_url, "/ws3"), self.produces[0]
        async with _socket.connected(url, self.query(audio), self.api_key):
            return HealthReport(text="opened a socket")

    async def warm(self) -> None:
        """Leave a connection to Rime open, on which the next call is spoken."""
        await warmed_connection(self.base_url, ERRORS)

    def query(self, audio: AudioFormat) -> Query:
        """What the address of a socket says about the voice and *audio*."""
        encoding = "mulaw" if audio.encoding is Encoding.MULAW else "pcm"
        return query({**self.request_fields(audio), "audioFormat": encoding, "segment": "never"})


if TYPE_CHECKING:
    _: type[TTS] = RimeTTS
