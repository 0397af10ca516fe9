"""Scribe, the recogniser of the double: one socket, JSON both ways."""

from __future__ import annotations

import asyncio
import binascii
import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter.audio.formats import AudioFormat
from patter.providers.stt import STTEvent, Transcript
from patter_elevenlabs._settings import FORMATS
from patter_elevenlabs.double.catalogue import Read, Refused, choice, flag, number, read_query
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_faults import FaultyStream

MODELS = ("scribe_v2_realtime", "scribe_v3_live")
AUDIO = tuple(name for name in FORMATS if name not in ("alaw_8000", "pcm_32000"))
QUERY: Mapping[str, Read] = {
    "model_id": choice(*MODELS),
    "audio_format": choice(*AUDIO),
    "commit_strategy": choice("manual", "vad", "turn_prediction"),
    "vad_silence_threshold_secs": number(0.3, 3),
    "vad_threshold": number(0.1, 0.9),
    "min_speech_duration_ms": number(50, 2_000),
    "min_silence_duration_ms": number(50, 2_000),
    "language_code": str,
    "secondary_languages": str,
    "include_timestamps": flag,
    "include_language_detection": flag,
    "keyterms": str,
    "no_verbatim": flag,
    "entity_detection": str,
    "entity_redaction": str,
    "entity_redaction_mode": choice("redacted", "entity_type", "enumerated_entity_type"),
    "transcript_edit": str,
    "filter_background_audio": flag,
    "enable_logging": flag,
    "token": str,
}
DEFAULTS: Mapping[str, Any] = {
    "model_id": "scribe_v2_realtime",
    "audio_format": "pcm_16000",
    "commit_strategy": "manual",
    "vad_silence_threshold_secs": 1.5,
    "vad_threshold": 0.4,
    "min_speech_duration_ms": 100,
    "min_silence_duration_ms": 100,
    "include_timestamps": False,
}
MOST_TERMS, MOST_TERM = 50, 20
CHUNK = frozenset({"message_type", "audio_base_64", "commit", "sample_rate", "previous_text"})
LEAST_COMMIT_MS = 300
MOST_CHUNK = 1 << 20
POLICY = 1008


class Ends(Exception):
    """The vendor says what is wrong, by the type of the message, and ends the session."""

    def __init__(self, kind: str, error: str) -> None:
        super().__init__(error)
        self.kind, self.error = kind, error


# Two halves of one double: classes with slots cannot be joined.
@attrs.define(eq=False, kw_only=True, slots=False)
class ScribeDouble(VendorDouble):
    """The half of the double that listens.

    What is heard is scripted by *lines*. A session without audio is closed after *idle_s*.
    *timed* False: a committed transcript comes without its words, as now and then it does.
    *chunks* are what clients sent, with the size of their audio, *scribe_messages* what they were
    sent.
    """

    idle_s: float = 15.0
    timed: bool = True
    chunks: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    scribe_messages: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    _sessions: set[ScribeSession] = attrs.field(factory=set, init=False, repr=False)

    def scribe_routes(self) -> Iterable[web.RouteDef]:
        """Paths of the recogniser."""
        return [web.get("/v1/speech-to-text/realtime", self._realtime)]

    async def hear(self, text: str) -> None:
        """Have every open session understand *text* now."""
        for session in list(self._sessions):
            await session.tell(session.ear.hear(text))

    def shown_key(self, request: web.Request) -> str:
        """The key that *request* really shows."""
        return request.headers.get("xi-api-key", "")

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        try:
            options = {**DEFAULTS, **read_query(request.query, QUERY)}
        except Refused as refused:
            return self.refusal(400, str(refused))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        stream = self.stream(socket, _error("session_time_limit_exceeded", "The session is over."))
        audio = FORMATS[options["audio_format"]]
        manual = options["commit_strategy"] == "manual"
        pause_ms = 0.0 if manual else options["vad_silence_threshold_secs"] * 1_000
        ear = self.listener(audio, pause_ms=pause_ms)
        session = ScribeSession(self, socket, stream, options, audio, ear)
        self._sessions.add(session)
        try:
            await session.serve(self.shown_key(request) == self.key)
        finally:
            self._sessions.discard(session)
        return socket


@attrs.define(eq=False)
class ScribeSession:
    """One client's session."""

    double: ScribeDouble
    socket: web.WebSocketResponse
    stream: FaultyStream
    options: Mapping[str, Any]
    audio: AudioFormat
    ear: ScriptedListener
    _committed_ms: float = attrs.field(default=0.0, init=False)
    _chunks: int = attrs.field(default=0, init=False)

    async def serve(self, admitted: bool) -> None:
        """Listen until either side ends the session."""
        try:
            if not admitted:
                raise Ends("auth_error", "You must be authenticated to use this endpoint.")
            self._check_terms()
            await self._say(_started(self.options, self.audio))
            while not self.socket.closed:
                async with asyncio.timeout(self.double.idle_s):
                    message = await self.socket.receive()
                if message.type is not WSMsgType.TEXT:
                    break
                await self._take(_object(message.data))
        except TimeoutError:
            await self.stream.end(1000)
        except Ends as ends:
            await self._say({"message_type": ends.kind, "error": ends.error})
            await self.stream.end(POLICY)
        await self.socket.close()

    async def tell(self, events: Sequence[STTEvent]) -> None:
        """Send what was heard, as the vendor words it."""
        for event in events:
            if not isinstance(event, Transcript):
                continue
            if not event.final:
                await self._say({"message_type": "partial_transcript", "text": event.text})
                continue
            self._committed_ms = self.ear.position_ms
            await self._say({"message_type": "committed_transcript", "text": event.text})
            if self.options["include_timestamps"] and self.double.timed:
                await self._say(_timed(event, self.options.get("language_code")))

    async def _take(self, chunk: dict[str, Any]) -> None:
        audio = self._audio_of(chunk)
        self.double.chunks.append({**chunk, "audio_base_64": len(audio)})
        self._chunks += 1
        await self.tell(self.ear.feed(audio))
        if not chunk["commit"]:
            return
        waiting_ms = self.ear.position_ms - self._committed_ms
        if waiting_ms < LEAST_COMMIT_MS:
            await self._say(
                {
                    "message_type": "commit_throttled",
                    "error": f"Commit request ignored: only {waiting_ms / 1_000:.2f}s of "
                    "uncommitted audio. You need at least 0.3s of uncommitted audio before "
                    "committing.",
                }
            )
            return
        await self.double.latency.wait()
        await self.tell(self.ear.finalize())

    def _audio_of(self, chunk: dict[str, Any]) -> bytes:
        """The audio in *chunk*, if all of it is as it has to be."""
        if chunk.get("message_type") != "input_audio_chunk":
            raise Ends("invalid_request", "Unknown message_type")
        if unknown := set(chunk) - CHUNK:
            raise Ends("invalid_request", f"Unknown field {min(unknown)!r}")
        if not isinstance(chunk.get("commit"), bool):
            raise Ends("input_error", "commit has to be true or false")
        if chunk.get("sample_rate") != self.audio.rate_hz:
            raise Ends("input_error", "sample_rate does not fit audio_format")
        if chunk.get("previous_text") is not None and self._chunks:
            raise Ends("input_error", "previous_text can only be sent with the first audio chunk")
        try:
            audio = b64decode(chunk["audio_base_64"], validate=True)
        except (KeyError, TypeError, binascii.Error) as wrong:
            raise Ends("input_error", "audio_base_64 is not base64") from wrong
        if len(audio) > MOST_CHUNK:
            raise Ends("chunk_size_exceeded", "The chunk is too large")
        return audio

    def _check_terms(self) -> None:
        terms = self.options.get("keyterms", [])
        terms = [terms] if isinstance(terms, str) else terms
        if len(terms) > MOST_TERMS or any(len(term) > MOST_TERM for term in terms):
            raise Ends("invalid_request", "keyterms: at most 50, of at most 20 characters")

    async def _say(self, message: dict[str, Any]) -> None:
        self.double.scribe_messages.append(message)
        await self.stream.send(json.dumps(message))


def _started(options: Mapping[str, Any], audio: AudioFormat) -> dict[str, Any]:
    names = (*DEFAULTS, "language_code", "enable_logging", "include_language_detection")
    config = {name: options[name] for name in names if name in options}
    return {
        "message_type": "session_started",
        "session_id": "double-session",
        "config": {**config, "sample_rate": audio.rate_hz},
    }


def _timed(event: Transcript, language: str | None) -> dict[str, Any]:
    words: list[dict[str, Any]] = []
    for word in event.words:
        start, end = word.start_ms / 1_000, word.end_ms / 1_000
        if words:
            words.append({"text": " ", "start": start, "end": start, "type": "spacing"})
        words.append({"text": word.text, "start": start, "end": end, "type": "word"})
    return {
        "message_type": "committed_transcript_with_timestamps",
        "text": event.text,
        "language_code": language or "en",
        "words": [{**word, "logprob": 0.0} for word in words],
    }


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as wrong:
        raise Ends("invalid_request", "Not JSON") from wrong
    if not isinstance(body, dict):
        raise Ends("invalid_request", "Not an object")
    return body


def _error(kind: str, error: str) -> str:
    return json.dumps({"message_type": kind, "error": error})
