"""Twilio's Media Streams as pure functions: JSON objects in, events out, frames as text.

Text frames only, mu-law 8 kHz both ways, the caller's track alone. Events that this version does
not know are ignored; those it knows raise InputError when they make no sense.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.media_frames import (
    Body,
    MediaFrames,
    caller_audio,
    dtmf_event,
    mark_event,
    part,
    payload_of,
    text_of,
)
from patter.errors import InputError
from patter.providers.carrier import Hangup, LegEvent

ENCODING = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


@attrs.define(eq=False)
class MediaStream:
    """The frames of one stream of the call *carrier_call_id*."""

    stream_sid: str
    carrier_call_id: str
    audio: AudioFormat = MULAW_8K
    _opening: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        sid = orjson.dumps(self.stream_sid).decode()
        self._opening = f'","streamSid":{sid}'

    def decode(self, body: Body) -> Sequence[LegEvent]:
        """The events in a frame. Raises InputError."""
        match body.get("event"):
            case "media":
                audio = caller_audio(part(body, "media"))
                return (audio,) if audio else ()
            case "mark":
                return (mark_event(body),)
            case "dtmf":
                return (dtmf_event(body),)
            case "stop":
                return (Hangup("stop"),)
        return ()

    def media(self, audio: bytes) -> Sequence[str]:
        """One frame, however long *audio* is: Twilio buffers it."""
        payload = payload_of(audio)
        return (f'{{"event":"media{self._opening},"media":{{"payload":"{payload}"}}}}',)

    def mark(self, name: str) -> str:
        """Ask for a mark event once everything before it was played."""
        quoted = orjson.dumps(name).decode()
        return f'{{"event":"mark{self._opening},"mark":{{"name":{quoted}}}}}'

    def clear(self) -> str:
        """Drop what was not played; Twilio answers open marks at once."""
        return f'{{"event":"clear{self._opening}}}'


def begin(account: str) -> Callable[[Body], MediaStream | None]:
    """A `Begin` for the streams of *account*."""

    def take(body: Body) -> MediaStream | None:
        if body.get("event") != "start":
            return None
        start = part(body, "start")
        if start.get("accountSid") != account:
            raise InputError("the stream is of another account", fix="call a number of ours")
        _check_format(part(start, "mediaFormat"))
        return MediaStream(text_of(start, "streamSid"), text_of(start, "callSid"))

    return take


def _check_format(media_format: Body) -> None:
    if any(media_format.get(name, value) != value for name, value in ENCODING.items()):
        fix = "stream mu-law, 8 kHz, one channel"
        raise InputError(f"the stream is {dict(media_format)}", fix=fix)


if TYPE_CHECKING:
    _: type[MediaFrames] = MediaStream
