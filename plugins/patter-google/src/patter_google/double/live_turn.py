"""One turn of the model in the double: made faster than it is spoken, until it is interrupted."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any, Protocol

import attrs

from patter.audio.formats import PCM16_24K
from patter.providers.llm import ToolRequest
from patter_google.double.live_script import LiveScript
from patter_testing.doubles.vendor_sound import sounded

_MIME = "audio/pcm;rate=24000"
LINGER_S = 0.002


class TurnSocket(Protocol):
    """What a turn needs of its session."""

    script: LiveScript

    async def send(self, **message: Any) -> None: ...


@attrs.define(eq=False, kw_only=True)
class ModelTurn:
    """What is said, or called. *stopped* is set when it is interrupted, *ended* when it is over.

    *sent_text* is what the caller was sent of *text*, *sound_ms* how long that plays.
    """

    socket: TurnSocket
    text: str = ""
    calls: Sequence[ToolRequest] = ()
    reason: str = ""
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    begun: asyncio.Event = attrs.field(factory=asyncio.Event)
    ended: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    sent_text: str = attrs.field(default="", init=False)
    sound_ms: float = attrs.field(default=0.0, init=False)
    thoughts: int = attrs.field(default=0, init=False)

    async def make(self) -> None:
        """Say or call all of it, as far as nobody interrupts."""
        if self.reason:
            return
        await self._think()
        if self.calls:
            calls = [
                {"id": each.id, "name": each.name, "args": json.loads(each.arguments)}
                for each in self.calls
            ]
            await self.socket.send(toolCall={"functionCalls": calls})
        else:
            await self._say()
        self.begun.set()

    async def _think(self) -> None:
        if thought := self.socket.script.thought:
            self.thoughts = len(thought) // 4 + 1
            await self._tell(modelTurn=_content({"text": thought, "thought": True}))

    async def _say(self) -> None:
        script = self.socket.script
        sound = sounded(self.text, PCM16_24K, script.ms_per_letter)
        size, position = PCM16_24K.bytes_in(script.piece_ms), 0
        for at in range(0, len(sound), size):
            if self.stopped.is_set():
                return
            piece = sound[at : at + size]
            data = base64.b64encode(piece).decode()
            await self._tell(modelTurn=_content({"inlineData": {"mimeType": _MIME, "data": data}}))
            self.sound_ms += PCM16_24K.ms_in(len(piece))
            letters = round(self.sound_ms / script.ms_per_letter)
            # The words run ahead of the sound, by whole ones.
            end = len(self.text) if at + size >= len(sound) else self.text.find(" ", letters)
            if end > position:
                await self._tell(outputTranscription={"text": self.text[position:end]})
                position = end
            self.sent_text = self.text[:position]
            self.begun.set()
            await self._pause(script.pace_ms / 1_000)
        while script.lingers and not self.stopped.is_set():
            self.begun.set()
            silence = base64.b64encode(bytes(960)).decode()
            part = {"inlineData": {"mimeType": _MIME, "data": silence}}
            await self._tell(modelTurn=_content(part))
            await self._pause(LINGER_S)
        if not self.stopped.is_set():
            await self._tell(generationComplete=True)
            await self._pause(self.sound_ms / 1_000 if script.plays else 0.0)

    async def _tell(self, **content: Any) -> None:
        await self.socket.send(serverContent=content)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return


def _content(part: dict[str, Any]) -> dict[str, Any]:
    return {"parts": [part]}
