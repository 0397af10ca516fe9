"""The voices of the double: two sockets, streaming HTTP, and what can be asked about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs
from aiohttp import web

from patter_elevenlabs.double.catalogue import (
    DEFAULT_FORMAT,
    MODELS,
    SPEECH,
    STREAM,
    Refused,
    audio_format,
    read_query,
)
from patter_elevenlabs.double.synthesis import pieces
from patter_elevenlabs.double.voice_socket import Ends, VoiceSocket
from patter_elevenlabs.double.voices_settings import VoicesSettings

BODY = frozenset(
    {
        "text",
        "model_id",
        "language_code",
        "voice_settings",
        "pronunciation_dictionary_locators",
        "seed",
        "previous_text",
        "next_text",
        "previous_request_ids",
        "next_request_ids",
        "use_pvc_as_ivc",
        "apply_text_normalization",
        "apply_language_text_normalization",
        "audio_effects",
    }
)
NEEDS_A_MODEL = "eleven_multilingual_v2"
"""What a request over HTTP is spoken by when it names no model."""

MOST_TEXT = 40_000


@attrs.define(eq=False, kw_only=True, slots=False)
class VoicesDouble(VoicesSettings):
    """The half of the double that speaks."""

    def voice_routes(self) -> Iterable[web.RouteDef]:
        """Paths of voices."""
        path = "/v1/text-to-speech/{voice}"
        return [
            web.get(f"{path}/multi-stream-input", self._multi),
            web.get(f"{path}/stream-input", self._single),
            web.post(f"{path}/stream", self._stream),
            web.get("/v1/voices/{voice}", self._voice),
            web.get("/v1/models", self._models),
        ]

    async def _multi(self, request: web.Request) -> web.StreamResponse:
        return await self._socket(request, multi=True)

    async def _single(self, request: web.Request) -> web.StreamResponse:
        return await self._socket(request, multi=False)

    async def _socket(self, request: web.Request, *, multi: bool) -> web.StreamResponse:
        try:
            options = read_query(request.query, SPEECH)
        except Refused as refused:
            return self.refusal(400, str(refused))
        if options.get("model_id") == "eleven_v3":
            return self.refusal(400, "eleven_v3 is not available over this endpoint")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        why = self._refused(request)
        async with asyncio.TaskGroup() as tasks:
            stream = self.stream(socket, '{"isFinal": true}')
            voice = VoiceSocket(self, socket, stream, options, multi, tasks)
            if why is None:
                await voice.serve()
            else:
                await voice.end(why)
            await socket.close()
            for task in voice.speaking:
                task.cancel()
        return socket

    def _refused(self, request: web.Request) -> Ends | None:
        """Why the client that has its socket may not use it."""
        if self.shown_key(request) != self.key:
            return Ends("invalid_api_key", "Invalid API key")
        voice = request.match_info["voice"]
        if voice not in self.voices:
            return Ends("voice_id_does_not_exist", f"A voice with voice_id {voice} does not exist.")
        return None

    def shown_key(self, request: web.Request) -> str:
        """The key that *request* really shows."""
        return request.headers.get("xi-api-key", "")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        try:
            options = read_query(request.query, STREAM)
        except Refused as refused:
            return self.refusal(400, str(refused))
        body = await request.json()
        self.bodies.append(body)
        if (refused_body := self._wrong(body, request.match_info["voice"])) is not None:
            return refused_body
        name = options.get("output_format", DEFAULT_FORMAT)
        audio = audio_format(name)
        response = web.StreamResponse()
        response.content_type = "audio/mpeg" if audio is None else _content_type(name)
        await self.latency.wait()
        await response.prepare(request)
        stream = self.stream(response)
        for piece in pieces(
            body["text"],
            audio,
            sync=False,
            ms_per_letter=self.ms_per_letter,
            letters_per_piece=self.letters_per_piece,
        ):
            await stream.send(piece.audio)
        with suppress(ConnectionError):  # the client has gone, as clients may
            await stream.end()
        return response

    def _wrong(self, body: dict[str, Any], voice: str) -> web.Response | None:
        """The refusal of *body*, if it is one."""
        if voice not in self.voices:
            return self.refusal(404, f"A voice with voice_id {voice} was not found.")
        if not isinstance(body.get("text"), str) or set(body) - BODY:
            where = next(iter(set(body) - BODY), "text")
            detail = [{"type": "missing", "loc": ["body", where], "msg": "Field required"}]
            return web.json_response({"detail": detail}, status=422)
        if body.get("model_id", NEEDS_A_MODEL) not in MODELS:
            return self._detail(400, "model_not_found", "A model with that ID does not exist")
        if body.get("model_id") == "eleven_v3" and body.get("previous_text"):
            return self._detail(
                400, "unsupported_model", "previous_text is not yet supported with this model"
            )
        if len(body["text"]) > MOST_TEXT:
            return self._detail(400, "max_character_limit_exceeded", "The text is too long")
        if self.quota is not None and len(body["text"]) > self.quota:
            return self._detail(401, "quota_exceeded", "This request exceeds your quota.")
        return None

    async def _voice(self, request: web.Request) -> web.Response:
        voice = request.match_info["voice"]
        if voice not in self.voices:
            return self.refusal(404, f"A voice with voice_id {voice} was not found.")
        return web.json_response({"voice_id": voice, "name": self.voices[voice]})

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response([{"model_id": model, "name": model} for model in sorted(MODELS)])

    def _detail(self, status: int, code: str, message: str) -> web.Response:
        detail = {"status": code, "code": code, "message": message}
        return web.json_response({"detail": detail}, status=status)


def _content_type(name: str) -> str:
    return "audio/basic" if name.startswith("ulaw") else "audio/pcm"
