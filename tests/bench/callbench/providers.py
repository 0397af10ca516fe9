"""The vendors as Patter providers: what a plugin would be, and nothing it would not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import ClientSession

from callbench import vendor_client
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.llm import LLM, DoneChunk, LLMChunk, LLMRequest, TextChunk
from patter.providers.stt import STT, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter.providers.tts import TTS, Speech

_FINALIZE: Final = '{"type":"finalize"}'


@attrs.frozen
class BenchSTT:
    """Ends turns itself; hears a voice itself too, so no detector runs beside it."""

    client: ClientSession
    base: str
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)
    endpoints: bool = True

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[BenchSTTSession]:
        async with vendor_client.ears(self.client, self.base, call.carrier_call_id) as socket:
            yield BenchSTTSession(socket)


@attrs.frozen
class BenchSTTSession:
    """One call's ears."""

    socket: vendor_client.Ears

    async def send(self, audio: bytes) -> None:
        await self.socket.send_bytes(audio)

    async def finalize(self) -> None:
        await self.socket.send_str(_FINALIZE)

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for said in vendor_client.events(self.socket):
            if said["type"] == "started":
                yield SpeechStarted()
            else:
                yield Transcript(said["text"], said["type"] == "final")
            if said.get("turn_ended"):
                yield TurnEnded()


@attrs.frozen
class BenchLLM:
    """Streams the reply."""

    client: ClientSession
    base: str
    model: str = "loopback"

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        rows = [{"role": each.role, "content": each.text} for each in request.messages]
        call_id = request.call.carrier_call_id
        async for delta in vendor_client.deltas(self.client, self.base, call_id, rows):
            yield TextChunk(delta)
        yield DoneChunk()


@attrs.frozen
class BenchTTS:
    """Speaks a sentence a request."""

    client: ClientSession
    base: str
    produces: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[BenchTTSSession]:
        yield BenchTTSSession(self, call.carrier_call_id)


@attrs.frozen
class BenchTTSSession:
    """One call's voice."""

    settings: BenchTTS
    call_id: str

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        told = self.settings
        async for sentence in text:
            begins = sentence
            async for piece in vendor_client.audio(told.client, told.base, self.call_id, sentence):
                yield Speech(piece, begins)
                begins = ""


@asynccontextmanager
async def small(vendors: str) -> AsyncIterator[dict[str, Any]]:
    """The three of them, over one client."""
    async with vendor_client.http_client() as client:
        yield {
            "stt": BenchSTT(client, vendors),
            "llm": BenchLLM(client, vendors),
            "tts": BenchTTS(client, vendors),
        }


if TYPE_CHECKING:
    _stt: type[STT] = BenchSTT
    _tts: type[TTS] = BenchTTS
    _llm: type[LLM] = BenchLLM
