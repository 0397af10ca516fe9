"""One session of ``/v2``: it begins once, hears, and ends by either side's word."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter.providers.stt import STTEvent, Transcript, Word
from patter_speechmatics._errors import CLOSE_CODES
from patter_speechmatics.double import config, messages
from patter_speechmatics.double.config import Config, Refused
from patter_speechmatics.double.messages import Voice
from patter_speechmatics.double.utterance import Slices
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream

_CODES = {kind: code for code, kind in CLOSE_CODES.items()}
_POLICY = ("idle_timeout", "session_timeout", "start_recognition_timeout")


@attrs.frozen(kw_only=True)
class Limits:
    """Seconds: to the first message, without audio or ping, without audio, and of a session."""

    start_s: float = 10.0
    mute_s: float = 180.0
    idle_s: float = 3_600.0
    age_s: float = 172_800.0


@attrs.define(eq=False)
class RealtimeSession:
    """Hears with *ear*, which is made once the session has begun."""

    socket: web.WebSocketResponse
    stream: FaultyStream
    latency: Latency
    limits: Limits
    received: list[dict[str, Any]]
    answers_silence: bool = True
    obeys_force: bool = True
    confirms: bool = True
    config: Config | None = None
    ear: ScriptedListener | None = None
    frames: int = attrs.field(default=0, init=False)
    _slices: Slices = attrs.field(factory=Slices, init=False)
    _interim: Sequence[Word] = attrs.field(default=(), init=False)
    _zero_ms: float = attrs.field(default=0.0, init=False)
    _speaker: str = attrs.field(default="", init=False)

    async def begun(self) -> Config:
        """What the first message asks for. Raises Refused for anything else."""
        async for frame in self._frames_until(self.limits.start_s, "start_recognition_timeout"):
            body = self._command(frame)
            if body.get("message") != "StartRecognition":
                raise Refused("protocol_error", "StartRecognition must be the first message")
            self.config = config.start(body)
            return self.config
        raise ConnectionResetError("the client left")

    async def listen(self, ear: ScriptedListener) -> None:
        """Serve until either side ends it. Raises Refused for what the client may not do."""
        assert self.config is not None
        self.ear = ear
        await self.send(messages.started(self.config.language, self.config.delimiter))
        async for frame in self._frames_until(self.limits.mute_s, "idle_timeout"):
            if isinstance(frame, bytes):
                await self._hear_audio(frame)
            elif not await self._obey(self._command(frame)):
                return

    async def heard(self, events: Sequence[STTEvent], *, silence: bool = False) -> None:
        """Tell of what the ear makes of the audio; *silence* made its finals, or the client."""
        for event in events:
            if isinstance(event, Transcript):
                await self._words(event, silence)

    def restart(self) -> None:
        """Count time anew, as a session does that was parked for want of audio."""
        self._zero_ms = self._listening[0].position_ms

    async def fail(self, refused: Refused) -> None:
        """Say what was wrong, and hang up."""
        await self.send(messages.error(refused.kind, refused.reason))
        kind = "policy_violation" if refused.kind in _POLICY else refused.kind
        self.stream.ended = True
        await self.socket.close(code=_CODES.get(kind, 1003), message=kind.encode())

    async def send(self, body: Mapping[str, Any]) -> None:
        await self.stream.send(json.dumps(body))

    async def _hear_audio(self, audio: bytes) -> None:
        self.frames += 1
        if self.confirms:
            await self.send(messages.audio_added(self.frames))
        ear, settings = self._listening
        # A live session may be told another trigger.
        ear.pause_ms = settings.trigger_ms
        await self.heard(ear.feed(audio), silence=True)
        await self._grow_old(ear, settings)

    async def _obey(self, body: dict[str, Any]) -> bool:
        """Do as the client says; False when that was the last."""
        ear, settings = self._listening
        match body.get("message"):
            case "ForceEndOfUtterance":
                await self._force_end(ear, config.forced_at(body))
            case "SetRecognitionConfig":
                settings.change(body)
            case "GetSpeakers":
                await self.send(messages.speakers(["S1"] if settings.tells_speakers else []))
            case "EndOfStream":
                await self._end(ear, config.last_seq_no(body))
                return False
            case "StartRecognition":
                raise Refused("protocol_error", "recognition has started already")
            case _:
                raise Refused("invalid_message", "the message was not understood")
        return True

    async def _force_end(self, ear: ScriptedListener, at_s: float | None) -> None:
        if not self.obeys_force:
            return
        await self.latency.wait()
        pending = ear.finalize()
        spoke = any(isinstance(event, Transcript) and event.text for event in pending)
        if not spoke and not self.answers_silence:
            return
        await self.heard(pending)
        at_ms = ear.position_ms - self._zero_ms if at_s is None else at_s * 1_000
        await self.send(messages.utterance_end(at_ms))

    async def _end(self, ear: ScriptedListener, last_seq_no: int) -> None:
        """The client is done: what is pending, and nothing more."""
        if last_seq_no > self.frames:
            raise Refused("protocol_error", f"last_seq_no {last_seq_no} of {self.frames}")
        await self.heard(ear.finalize())
        await self.send(messages.end_of_transcript())
        await self.stream.end()

    async def _words(self, event: Transcript, silence: bool) -> None:
        _, settings = self._listening
        words = self._said_by(event.words)
        if not event.final:
            self._interim = words
            if settings.partials:
                await self._tell(self._slices.partial(words), final=False)
            return
        self._interim = ()
        await self.latency.wait()
        await self._final(self._slices.rest(words))
        if event.text and silence and settings.trigger_ms:
            at_ms = float(event.end_ms or 0) - self._zero_ms
            await self.send(messages.utterance_end(max(0.0, at_ms)))

    async def _grow_old(self, ear: ScriptedListener, settings: Config) -> None:
        """Words become final once they are `max_delay` old, whatever follows."""
        before_ms = ear.position_ms - settings.max_delay_ms
        if old := self._slices.old(self._interim, before_ms):
            await self._final(old)
        if self._interim and self._interim[-1].end_ms <= before_ms:
            await self.heard(ear.finalize())

    async def _final(self, words: Sequence[Word]) -> None:
        """*words* are final; a partial of what is left always follows, if there are partials."""
        await self._tell(words, final=True)
        if self._listening[1].partials:
            await self._tell(self._slices.partial(self._interim), final=False)

    async def _tell(self, words: Sequence[Word], *, final: bool) -> None:
        ear, settings = self._listening
        zero = int(self._zero_ms)
        words = [Word(w.text, max(w.start_ms - zero, 0), max(w.end_ms - zero, 0)) for w in words]
        start_ms = words[0].start_ms if words else max(0.0, self._slices.final_ms - zero)
        end_ms = words[-1].end_ms if words else ear.position_ms - zero
        body = messages.transcript(
            words,
            final=final,
            start_ms=min(start_ms, end_ms),
            end_ms=end_ms,
            voice=Voice(settings.language, self._speaker if settings.tells_speakers else ""),
            delimiter=settings.delimiter,
        )
        await self.send(body)

    def _said_by(self, words: Sequence[Word]) -> Sequence[Word]:
        """*words* without the name of their speaker, which a line of the script may begin with."""
        self._speaker = "S1"
        if words and words[0].text.endswith(":") and words[0].text[0] == "S":
            self._speaker = words[0].text[:-1]
            return words[1:]
        return words

    @property
    def _listening(self) -> tuple[ScriptedListener, Config]:
        assert self.ear is not None and self.config is not None
        return self.ear, self.config

    def _command(self, frame: bytes | str) -> dict[str, Any]:
        """The message in *frame*. Raises Refused."""
        if isinstance(frame, bytes):
            raise Refused("protocol_error", "audio before RecognitionStarted")
        try:
            body = json.loads(frame)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused("invalid_message", "the message is no JSON object")
        self.received.append(body)
        return body

    async def _frames_until(self, silent_s: float, kind: str) -> AsyncIterator[bytes | str]:
        """What the client sends, to its end. Raises Refused for too long a silence, or session."""
        loop = asyncio.get_running_loop()
        begun = heard = audio = loop.time()
        while True:
            ends = {
                heard + silent_s: kind,
                audio + self.limits.idle_s: "idle_timeout",
                begun + self.limits.age_s: "session_timeout",
            }
            try:
                async with asyncio.timeout_at(min(ends)):
                    message = await self.socket.receive()
            except TimeoutError:
                raise Refused(ends[min(ends)], "the session timed out") from None
            heard = loop.time()
            if message.type is WSMsgType.PING:
                await self.socket.pong(message.data)
            elif message.type is WSMsgType.BINARY:
                audio = heard
                yield message.data
            elif message.type is WSMsgType.TEXT:
                yield message.data
            elif message.type is not WSMsgType.PONG:
                return
