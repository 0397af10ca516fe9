"""One response of the model in the double: made faster than it is spoken, until it is cancelled."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.llm import ToolRequest
from patter_openai.double.realtime_script import RealtimeScript
from patter_openai.double.realtime_state import Conversation, SpokenAudio, format_of, text_tokens
from patter_testing.doubles.vendor_sound import sounded

AUDIO_TOKEN_MS = 50
"""An audio token of the assistant's; one of a caller's is twice as long."""

LINGER_S = 0.002


class ResponseSocket(Protocol):
    """What a response needs of its session."""

    conversation: Conversation
    script: RealtimeScript

    async def send(self, kind: str, **fields: Any) -> None: ...


@attrs.define(eq=False, kw_only=True)
class VendorResponse:
    """A response as it was asked for: *options* are the session's with its own over them.

    *stopped* is set when it is cancelled, *reason* says by whom; *begun* is set once it has an
    item, *ended* when it is done.
    """

    id: str
    socket: ResponseSocket
    options: Mapping[str, Any]
    text: str = ""
    calls: Sequence[ToolRequest] = ()
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    begun: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    ended: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    reason: str = attrs.field(default="", init=False)
    failure: dict[str, str] | None = attrs.field(default=None, init=False)
    tokens: dict[str, int] = attrs.field(init=False)
    output: list[dict[str, Any]] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = {"text_tokens": 0, "audio_tokens": 0}

    @property
    def format(self) -> AudioFormat:
        """The audio it is made in."""
        return format_of(self.options, "output")

    @property
    def speaks(self) -> bool:
        """Is it audio, with its words beside it?"""
        return bool(self.options["output_modalities"] == ["audio"])

    def stop(self, reason: str) -> None:
        """Cancel it: ``client_cancelled`` or ``turn_detected``."""
        if not self.stopped.is_set():
            self.reason = reason
            self.stopped.set()

    def shown(self, status: str, usage: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The resource, as events show it."""
        audio = {name: self.options["audio"]["output"][name] for name in ("format", "voice")}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": self._details(status),
            "output": list(self.output),
            "conversation_id": "conv_0001",
            "output_modalities": self.options["output_modalities"],
            "max_output_tokens": self.options["max_output_tokens"],
            "audio": {"output": audio},
            "usage": usage,
            "metadata": self.options.get("metadata"),
        }

    async def make(self) -> str:
        """Generate all of it; returns the status with which it ended."""
        script = self.socket.script
        if script.failures:
            self.failure = script.failures.pop(0)
            return "failed"
        if self.calls:
            for request in self.calls:
                await self._call(request)
        else:
            await self._say(self.text)
        if self.reason in ("max_output_tokens", "content_filter"):
            return "incomplete"
        return "cancelled" if self.stopped.is_set() else "completed"

    def _details(self, status: str) -> dict[str, Any] | None:
        if status in ("in_progress", "completed"):
            return None
        details: dict[str, Any] = {"type": status}
        if self.reason:
            details["reason"] = self.reason
        if self.failure is not None:
            details["error"] = self.failure
        return details

    async def _call(self, request: ToolRequest) -> None:
        item = await self._add(
            {
                "type": "function_call",
                "status": "in_progress",
                "call_id": request.id,
                "name": request.name,
                "arguments": "",
            }
        )
        about = {"response_id": self.id, "item_id": item["id"], "output_index": self._index}
        about["call_id"] = request.id
        half = len(request.arguments) // 2
        for delta in filter(None, (request.arguments[:half], request.arguments[half:])):
            if self.stopped.is_set():
                break
            item["arguments"] += delta
            await self._send("function_call_arguments.delta", delta=delta, **about)
        done = {"arguments": item["arguments"], "name": request.name}
        await self._send("function_call_arguments.done", **done, **about)
        self.tokens["text_tokens"] += text_tokens(item["arguments"]) + 8
        await self._finish(item)

    async def _say(self, text: str) -> None:
        item = await self._add(
            {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
        )
        kind = "audio" if self.speaks else "text"
        about = {"response_id": self.id, "item_id": item["id"], "output_index": self._index}
        about["content_index"] = 0
        empty = {"transcript": ""} if self.speaks else {"text": ""}
        await self._send("content_part.added", part={"type": kind, **empty}, **about)
        result = await (self._speak if self.speaks else self._write)(item, text, about)
        part = {"transcript": result} if self.speaks else {"text": result}
        item["content"] = [{"type": f"output_{kind}", **part}]
        await self._send("content_part.done", part={"type": kind, **part}, **about)
        await self._finish(item)

    async def _write(self, item: dict[str, Any], text: str, about: Mapping[str, Any]) -> str:
        written = ""
        for delta in _words(text):
            if await self._is_over(len(written)):
                break
            written += delta
            item["content"] = [{"type": "output_text", "text": written}]
            await self._send("output_text.delta", delta=delta, **about)
        self.tokens["text_tokens"] += text_tokens(written)
        await self._send("output_text.done", text=written, **about)
        return written

    async def _speak(self, item: dict[str, Any], text: str, about: Mapping[str, Any]) -> str:
        script = self.socket.script
        audio = SpokenAudio(text, script.ms_per_letter)
        self.socket.conversation.audio[item["id"]] = audio
        words, written = list(_words(text)), ""
        pieces = self._pieces(text)
        while not await self._is_over(audio.ms):
            if words:
                written += words[0]
                await self._send("output_audio_transcript.delta", delta=words.pop(0), **about)
            if pieces:
                piece = pieces.pop(0)
                audio.ms += self.format.ms_in(len(piece))
                delta = base64.b64encode(piece).decode()
                await self._send("output_audio.delta", delta=delta, **about)
            elif script.lingers:
                pieces = self._pieces(text)
                await asyncio.sleep(LINGER_S)
            elif not words:
                break
        self.tokens["audio_tokens"] += int(audio.ms / AUDIO_TOKEN_MS)
        self.tokens["text_tokens"] += text_tokens(written)
        await self._send("output_audio.done", **about)
        await self._send("output_audio_transcript.done", transcript=written, **about)
        return written

    def _pieces(self, text: str) -> list[bytes]:
        sound = sounded(text, self.format, self.socket.script.ms_per_letter)
        size = self.format.bytes_in(self.socket.script.piece_ms)
        return [sound[at : at + size] for at in range(0, len(sound), size)]

    async def _is_over(self, made: float) -> bool:
        """Take a breath; was it cancelled, is it long enough, or not to be said, after *made*?"""
        await asyncio.sleep(self.socket.script.pace_ms / 1_000)
        most = self.options["max_output_tokens"]
        unit = AUDIO_TOKEN_MS if self.speaks else 4
        if most != "inf" and made >= most * unit:
            self.reason = "max_output_tokens"
        elif made and self.socket.script.filtered:
            self.socket.script.filtered -= 1
            self.reason = "content_filter"
        return self.stopped.is_set() or bool(self.reason)

    @property
    def _index(self) -> int:
        return len(self.output)

    async def _add(self, item: dict[str, Any]) -> dict[str, Any]:
        whole, before = self.socket.conversation.add(item)
        shown = dict(whole)
        await self._send(
            "output_item.added", response_id=self.id, output_index=self._index, item=shown
        )
        await self.socket.send("conversation.item.added", previous_item_id=before, item=shown)
        self.begun.set()
        return whole

    async def _finish(self, item: dict[str, Any]) -> None:
        cut_off = self.stopped.is_set() or self.reason
        item["status"] = "incomplete" if cut_off else "completed"
        shown, index = dict(item), self._index
        self.output.append(shown)
        await self._send("output_item.done", response_id=self.id, output_index=index, item=shown)
        await self.socket.send("conversation.item.done", previous_item_id=None, item=shown)

    async def _send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(f"response.{kind}", **fields)


def _words(text: str) -> list[str]:
    """*text* in pieces that add up to it."""
    words = text.split(" ")
    return [word if at == 0 else f" {word}" for at, word in enumerate(words)]
