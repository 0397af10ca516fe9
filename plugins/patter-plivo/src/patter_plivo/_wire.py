"""One Plivo audio stream as pure functions: JSON frames in, events out, and back.

Plivo confirms a clear, but not the checkpoints that fell to it: those are answered here, each
checkpoint once. Source: docs.plivo.com/docs/voice/audio-streaming (Stream Event Protocol).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.media_frames import (
    Body,
    MediaFrames,
    caller_audio,
    dtmf_event,
    part,
    payload_of,
)
from patter.errors import InputError
from patter.providers.carrier import Hangup, LegEvent, MarkPlayed

MAX_PENDING = 1_000
_MULAW = "audio/x-mulaw"


@attrs.define(eq=False)
class MediaStream:
    """The frames of one stream of the call *carrier_call_id*."""

    stream_id: str
    carrier_call_id: str
    audio: AudioFormat = attrs.field(default=MULAW_8K, init=False)
    _before_audio: str = attrs.field(init=False, repr=False)
    _pending: deque[str] = attrs.field(factory=lambda: deque(maxlen=MAX_PENDING), init=False)
    _clearing: deque[list[str]] = attrs.field(factory=lambda: deque(maxlen=64), init=False)

    def __attrs_post_init__(self) -> None:
        self._before_audio = (
            f'{{"event":"playAudio","streamId":{_quoted(self.stream_id)},'
            f'"media":{{"contentType":"{_MULAW}","sampleRate":8000,"payload":"'
        )

    def decode(self, body: Body) -> Sequence[LegEvent]:
        """The events in a frame. Raises InputError; a later protocol's events are ignored."""
        match body.get("event"):
            case "media":
                audio = caller_audio(part(body, "media"))
                return (audio,) if audio else ()
            case "dtmf":
                return (dtmf_event(body),)
            case "playedStream":
                return self._played(body.get("name"))
            case "clearedAudio":
                return self._cleared()
            case "stop":
                return (Hangup("stop"),)
            case "playFailed" | "error" as event:
                raise _complaint(event, body)
            case str():
                return ()
        raise InputError("a stream frame has no event", fix='send {"event": "media", ...}')

    def media(self, audio: bytes) -> Sequence[str]:
        return (f'{self._before_audio}{payload_of(audio)}"}}}}',)

    def mark(self, name: str) -> str:
        self._pending.append(name)
        return self._frame("checkpoint", name=name)

    def clear(self) -> str:
        self._clearing.append(list(self._pending))
        self._pending.clear()
        return self._frame("clearAudio")

    def _frame(self, event: str, **more: str) -> str:
        return orjson.dumps({"event": event, "streamId": self.stream_id, **more}).decode()

    def _played(self, name: object) -> Sequence[LegEvent]:
        """A checkpoint was reached; one that was answered already is not answered again."""
        for waiting in (*self._clearing, self._pending):
            if name in waiting and isinstance(name, str):
                waiting.remove(name)
                return (MarkPlayed(name),)
        return ()

    def _cleared(self) -> Sequence[LegEvent]:
        if not self._clearing:
            return ()
        return [MarkPlayed(name) for name in self._clearing.popleft()]


def begin(body: Body) -> MediaStream | None:
    """The stream that *body* starts, if it starts one: a `Begin`."""
    if body.get("event") != "start":
        return None
    start = part(body, "start")
    _check_format(start.get("mediaFormat"))
    return MediaStream(_name(start, "streamId"), _name(start, "callId"))


def _check_format(raw: object) -> None:
    media_format = raw if isinstance(raw, Mapping) else {}
    encoding = media_format.get("encoding", _MULAW)
    rate = media_format.get("sampleRate", 8_000)
    if str(encoding).split(";")[0] != _MULAW or str(rate) != "8000":
        raise InputError(
            f"the stream carries {encoding} at {rate} Hz, not mu-law at 8000 Hz",
            fix='answer with <Stream contentType="audio/x-mulaw;rate=8000">',
        )


def _name(start: Body, field: str) -> str:
    value = start.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InputError(f"the start frame has no {field}", fix="send what Plivo documents")
    return value


def _complaint(event: str, body: Body) -> InputError:
    reason = "".join(filter(str.isprintable, str(body.get("reason", "no reason"))))[:200]
    return InputError(
        f"Plivo could not do it: {event}: {reason}", fix="see the call's log in Plivo's console"
    )


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


if TYPE_CHECKING:
    _: type[MediaFrames] = MediaStream
