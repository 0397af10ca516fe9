"""What a client may send to a voice's socket, and what the vendor makes of it.

The two sockets differ: ``multi-stream-input`` has contexts, of which five may live at once, and
``stream-input`` has one, which empty text ends. What breaks a rule ends the socket with 1008.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter_elevenlabs.double.catalogue import DEFAULT_FORMAT, audio_format
from patter_elevenlabs.double.synthesis import SCHEDULE, Buffer, pieces
from patter_elevenlabs.double.voices_settings import VoicesSettings
from patter_testing.doubles.vendor_faults import FaultyStream

MOST_CONTEXTS = 5
POLICY = 1008

_ONCE = frozenset(
    {
        "voice_settings",
        "generation_config",
        "pronunciation_dictionary_locators",
        "xi-api-key",
        "xi_api_key",
        "authorization",
    }
)
"""What belongs into the first message alone."""

FIELDS = _ONCE | {"text", "context_id", "flush", "close_context", "close_socket"}
SINGLE_FIELDS = _ONCE | {"text", "flush", "try_trigger_generation", "generator_config"}
SETTINGS = {
    "stability": (0.0, 1.0),
    "similarity_boost": (0.0, 1.0),
    "style": (0.0, 1.0),
    "use_speaker_boost": (0.0, 1.0),
    "speed": (0.7, 1.2),
}


class Ends(Exception):
    """The vendor ends the socket and says why: *error* is its code."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error, self.message = error, message


@attrs.define(eq=False)
class Context:
    """One stream of text on a socket: what waits, and what is to be spoken, None at its end."""

    name: str
    buffer: Buffer
    queue: asyncio.Queue[str | None] = attrs.field(factory=asyncio.Queue, init=False)
    closing: bool = attrs.field(default=False, init=False)

    def add(self, text: str, flush: bool) -> None:
        """Take *text*, and speak what is ready."""
        if ready := self.buffer.add(text, flush):
            self.queue.put_nowait(ready)

    def close(self, *, flush: bool = False) -> None:
        """No more text; what was not flushed is lost unless it is flushed now."""
        if not self.closing:
            self.closing = True
            if flush and (ready := self.buffer.take()):
                self.queue.put_nowait(ready)
            self.queue.put_nowait(None)


@attrs.define(eq=False)
class VoiceSocket:
    """One client's socket; *options* are those of its address, *multi* says which it is."""

    double: VoicesSettings
    socket: web.WebSocketResponse
    stream: FaultyStream
    options: Mapping[str, Any]
    multi: bool
    tasks: asyncio.TaskGroup
    contexts: dict[str, Context] = attrs.field(factory=dict, init=False)
    speaking: list[asyncio.Task[None]] = attrs.field(factory=list, init=False)

    async def serve(self) -> None:
        """Take messages until either side ends it."""
        try:
            while not self.socket.closed:
                async with asyncio.timeout(self.options.get("inactivity_timeout", 20)):
                    message = await self.socket.receive()
                if message.type is not WSMsgType.TEXT:
                    return
                if not self._take(_object(message.data)):
                    await self._finish()
                    return
        except TimeoutError:
            await self.end(
                Ends(
                    "input_timeout_exceeded",
                    "Have not received a new text input within the timeout.",
                )
            )
        except Ends as refused:
            await self.end(refused)

    async def end(self, refused: Ends) -> None:
        """Say why, and close."""
        body = {"message": refused.message, "error": refused.error, "code": POLICY}
        await self.stream.send(json.dumps(body))
        await self.stream.end(POLICY)

    def _take(self, message: dict[str, Any]) -> bool:
        """Do what *message* says; False when it asks for the end of the socket."""
        self.double.client_messages.append(message)
        if unknown := set(message) - (FIELDS if self.multi else SINGLE_FIELDS):
            raise _unreadable(f"unknown field {min(unknown)!r}")
        if message.get("close_socket"):
            return False
        return self._take_multi(message) if self.multi else self._take_single(message)

    def _take_multi(self, message: dict[str, Any]) -> bool:
        name, text = message.get("context_id", "default"), message.get("text")
        context = self.contexts.get(name)
        if context is None:
            if message.get("close_context") or (text == "" and not message.get("flush")):
                return True
            self._begin(name, message)
            return True
        if context.closing:
            return True
        _check_later(message)
        if message.get("close_context"):
            context.close()
        else:
            self._pay(text or "")
            context.add(text or "", bool(message.get("flush")))
        return True

    def _take_single(self, message: dict[str, Any]) -> bool:
        text = message.get("text")
        if not isinstance(text, str):
            raise _unreadable("text is missing")
        context = self.contexts.get("")
        if context is None:
            self._begin("", message)
            return True
        if text == "":
            context.close(flush=True)
            return False
        _check_later(message)
        self._pay(text)
        context.add(text, bool(message.get("flush")))
        return True

    def _begin(self, name: str, message: dict[str, Any]) -> None:
        if message.get("text") != " ":
            raise _unreadable("the first message has to be a single space")
        if len(self.contexts) >= MOST_CONTEXTS:
            raise Ends(
                "max_active_conversations",
                f"Maximum simultaneous contexts per WebSocket connection exceeded "
                f"({MOST_CONTEXTS}). Please close an existing context before opening a new one.",
            )
        _check_settings(message.get("voice_settings") or {})
        config = message.get("generation_config") or {}
        schedule = config.get("chunk_length_schedule") or SCHEDULE
        if not all(50 <= length <= 500 for length in schedule):
            raise _unreadable("chunk_length_schedule has to be from 50 to 500")
        context = Context(name, Buffer(self.options.get("auto_mode", False), schedule))
        self.contexts[name] = context
        self.speaking.append(self.tasks.create_task(self._speak(context), name="double-voice"))

    def _pay(self, text: str) -> None:
        left = self.double.quota
        if left is None:
            return
        if len(text) > left:
            raise Ends(
                "quota_exceeded",
                f"This request exceeds your quota. You have {left} credits remaining, "
                f"while {len(text)} credits are required for this request.",
            )
        self.double.quota = left - len(text)

    async def _finish(self) -> None:
        """Speak what is left, then close."""
        for context in list(self.contexts.values()):
            context.close(flush=True)
        if self.speaking:
            await asyncio.wait(self.speaking)
        await self.stream.end()

    async def _speak(self, context: Context) -> None:
        audio = audio_format(self.options.get("output_format", DEFAULT_FORMAT))
        while (text := await context.queue.get()) is not None:
            await self.double.latency.wait()
            for piece in pieces(
                text,
                audio,
                sync=self.options.get("sync_alignment", False),
                ms_per_letter=self.double.ms_per_letter,
                letters_per_piece=self.double.letters_per_piece,
            ):
                await self._send(context, self._audio(piece.audio, piece.alignment))
        await asyncio.sleep(self.double.closing_ms / 1_000)
        # Only now may another context take its place.
        self.contexts.pop(context.name, None)
        final = {"isFinal": True} if self.multi else {"audio": None, "isFinal": True}
        await self._send(context, final)

    def _audio(self, audio: bytes, alignment: dict[str, list[Any]] | None) -> dict[str, Any]:
        body = {
            "audio": b64encode(audio).decode(),
            "normalizedAlignment": alignment,
            "alignment": alignment if self.double.aligned else None,
        }
        return body if self.multi else body | {"isFinal": None}

    async def _send(self, context: Context, message: dict[str, Any]) -> None:
        if self.multi:
            name = "context_id" if self.double.snake_case else "contextId"
            message = message | {name: context.name}
        self.double.voice_messages.append(message)
        await self.stream.send(json.dumps(message))


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as wrong:
        raise _unreadable("not JSON") from wrong
    if not isinstance(body, dict):
        raise _unreadable("not an object")
    return body


def _check_later(message: Mapping[str, Any]) -> None:
    if early := _ONCE & set(message):
        raise _unreadable(f"{min(early)} can only be provided in the first message")


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if name not in SETTINGS:
            raise _unreadable(f"unknown voice setting {name!r}")
        least, most = SETTINGS[name]
        if value is not None and not least <= float(value) <= most:
            raise _unreadable(f"{name} has to be from {least:g} to {most:g}")


def _unreadable(why: str) -> Ends:
    return Ends(
        "invalid_input_message",
        "Could not parse input message, make sure it is a json and follows the schema outlined "
        f"in protocol: {why}",
    )
