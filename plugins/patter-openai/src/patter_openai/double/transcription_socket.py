"""A transcription session of the double on ``/v1/realtime?intent=transcription``.

What is committed, by the client or by the double's own detection of pauses, is heard as the next
line of the script: in deltas, then complete. Models that transcribe live send deltas before.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import WSMsgType, web

from patter.aio import task_scope
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_openai.double.transcription_session import LIVE, Settings
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.chat_turn import new_id
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.vendor_faults import FaultyStream

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

LEAST_MS = 100
MOST_APPEND = 15 << 20
_TOO_SMALL = (
    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
    "but buffer only has {:.2f}ms of audio."
)


@attrs.define(eq=False)
class TranscriptionSocket:
    """One connection."""

    double: OpenAIVendor
    request: web.Request
    settings: Settings = attrs.field(factory=Settings, init=False)
    _socket: web.WebSocketResponse = attrs.field(init=False, repr=False)
    _stream: FaultyStream = attrs.field(init=False, repr=False)
    _ear: ScriptedListener = attrs.field(init=False, repr=False)
    _committed_ms: float = attrs.field(default=0.0, init=False)
    _item: str = attrs.field(default="", init=False)
    _last_item: str | None = attrs.field(default=None, init=False)
    _shown: list[str] = attrs.field(factory=list, init=False)
    _work: asyncio.Queue[tuple[str, str]] = attrs.field(factory=asyncio.Queue, init=False)

    async def serve(self) -> web.StreamResponse:
        """Serve it to its end."""
        self._socket = web.WebSocketResponse(max_msg_size=MOST_APPEND)
        await self._socket.prepare(self.request)
        self._stream = self.double.stream(self._socket, json.dumps(_expired()))
        self._listen_anew()
        async with task_scope() as tasks:
            worker = tasks.create_task(self._transcribe(), name="double-transcribe")
            self.double.listening.append(self)
            try:
                await self._send("session.created", session=self.settings.as_json())
                async for message in self._socket:
                    await self._take(message.data if message.type is WSMsgType.TEXT else "")
            finally:
                self.double.listening.remove(self)
                worker.cancel()
        return self._socket

    async def hear(self, text: str) -> None:
        """The caller says *text*, and pauses if the double finds the pauses."""
        for event in self._ear.hear(text, final=self.settings.hears_voice):
            await self._heard(event)

    async def _send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": new_id("event"), **fields}
        await self._stream.send(json.dumps(event))

    async def _take(self, text: str) -> None:
        event: Any = None
        try:
            event = json.loads(text)
            self.double.log.append((self.request.path, event))
            await self._obey(event)
        except Refusal as refused:
            event_id = event.get("event_id") if isinstance(event, dict) else None
            error = {"type": "invalid_request_error", **refused.error, "event_id": event_id}
            await self._send("error", error=error)
        except (ValueError, TypeError, AttributeError):
            error = {"type": "invalid_request_error", "code": "invalid_json", "message": "no JSON"}
            await self._send("error", error={**error, "param": None, "event_id": None})

    async def _obey(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        handlers = {
            "session.update": {"session"},
            "input_audio_buffer.append": {"audio"},
            "input_audio_buffer.commit": set[str](),
            "input_audio_buffer.clear": set[str](),
        }
        if kind not in handlers:
            raise Refusal(f"Invalid value: '{kind}'.", param="type", code="invalid_value")
        for name in event.keys() - handlers[kind] - {"type", "event_id"}:
            raise Refusal(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        match kind:
            case "session.update":
                self.settings = self.settings.updated(event["session"])
                self._listen_anew()
                await self._send("session.updated", session=self.settings.as_json())
            case "input_audio_buffer.append":
                await self._hear(_decoded(event["audio"]))
            case "input_audio_buffer.commit":
                await self._commit_asked()
            case "input_audio_buffer.clear":
                self._ear.finalize()
                self._committed_ms = self._ear.position_ms
                await self._send("input_audio_buffer.cleared")

    def _listen_anew(self) -> None:
        settings = self.settings
        self._ear = self.double.listener(settings.audio, pause_ms=settings.pause_ms, word_ms=100)
        self._committed_ms = 0.0

    async def _hear(self, audio: bytes) -> None:
        for event in self._ear.feed(audio):
            await self._heard(event)

    async def _heard(self, event: STTEvent) -> None:
        if self.settings.hears_voice:
            await self._detected(event)
        await self._live(event)

    async def _detected(self, event: STTEvent) -> None:
        match event:
            case SpeechStarted(at_ms):
                start_ms = max(0, (at_ms or 0) - self.settings.prefix_ms)
                await self._send(
                    "input_audio_buffer.speech_started",
                    audio_start_ms=start_ms,
                    item_id=self._next_item(),
                )
            case SpeechEnded(at_ms):
                await self._send(
                    "input_audio_buffer.speech_stopped",
                    audio_end_ms=int((at_ms or 0) + self.settings.pause_ms),
                    item_id=self._next_item(),
                )
            case Transcript(text, final=True):
                await self._commit(text)

    async def _live(self, event: STTEvent) -> None:
        if self.settings.model in LIVE and isinstance(event, Transcript) and not event.final:
            words = event.text.split()
            for word in words[len(self._shown) :]:
                await self._delta(self._next_item(), f"{' ' if self._shown else ''}{word}")
                self._shown.append(word)

    async def _commit_asked(self) -> None:
        buffered_ms = self._ear.position_ms - self._committed_ms
        if buffered_ms < LEAST_MS:
            raise Refusal(_TOO_SMALL.format(buffered_ms), code="input_audio_buffer_commit_empty")
        final = self._ear.finalize()[-1]
        assert isinstance(final, Transcript)
        await self._commit(final.text)

    async def _commit(self, text: str) -> None:
        self._committed_ms = self._ear.position_ms
        item_id, before = self._next_item(), self._last_item
        self._item, self._last_item = "", item_id
        await self._send("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
        item["content"] = [{"type": "input_audio", "transcript": None}]  # type: ignore[assignment]
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(kind, item=item, previous_item_id=before)
        await self._work.put((item_id, text))

    async def _transcribe(self) -> None:
        """Hear what is committed, one after the other, as long as that takes."""
        while True:
            item_id, text = await self._work.get()
            await self.double.latency.wait()
            shown, self._shown = self._shown, []
            for piece in _pieces(text, len(shown)):
                await self._delta(item_id, piece)
            await self._send(
                "conversation.item.input_audio_transcription.completed",
                item_id=item_id,
                content_index=0,
                transcript=text,
                usage=_usage(text),
                **self.settings.logprobs(text),
            )

    async def _delta(self, item_id: str, text: str) -> None:
        await self._send(
            "conversation.item.input_audio_transcription.delta",
            item_id=item_id,
            content_index=0,
            delta=text,
            **self.settings.logprobs(text),
        )

    def _next_item(self) -> str:
        self._item = self._item or new_id("item")
        return self._item


def _decoded(audio: object) -> bytes:
    try:
        return base64.b64decode(str(audio), validate=True)
    except binascii.Error:
        raise Refusal("Invalid 'audio': not base64.", param="audio", code="invalid_value") from None


def _pieces(text: str, shown: int) -> Iterator[str]:
    for at, word in enumerate(text.split()):
        if at >= shown:
            yield f"{' ' if at else ''}{word}"


def _usage(text: str) -> dict[str, Any]:
    words = len(text.split())
    return {
        "type": "tokens",
        "input_tokens": 10,
        "output_tokens": words,
        "total_tokens": 10 + words,
        "input_token_details": {"audio_tokens": 10, "text_tokens": 0},
    }


def _expired() -> dict[str, Any]:
    error = {
        "type": "invalid_request_error",
        "code": "session_expired",
        "message": "Your session hit the maximum duration of 60 minutes.",
        "param": None,
        "event_id": None,
    }
    return {"type": "error", "event_id": new_id("event"), "error": error}
