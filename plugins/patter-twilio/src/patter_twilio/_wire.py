"""Twilio's Media Streams as pure functions: JSON objects in, events out, frames as text.

Text frames only, mu-law 8 kHz both ways, the caller's track alone. Events that Twilio may yet
invent say nothing to a call; known ones that make no sense raise InputError.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import InputError
from patter.providers.carrier import Hangup, LegEvent, MarkPlayed
from patter.server.media_socket import Body, Frames, audio_of, key_of, part, text_of

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
        """What a frame tells the call. Raises InputError."""
        match body.get("event"):
            case "media":
                return self._media(part(body, "media"))
            case "mark":
                return (MarkPlayed(text_of(part(body, "mark"), "name")),)
            case "dtmf":
                return (key_of(text_of(part(body, "dtmf"), "digit")),)
            case "stop":
                return (Hangup("stop"),)
        return ()

    def media(self, audio: bytes) -> Sequence[str]:
        """One frame, however long *audio* is: Twilio buffers it."""
        payload = b2a_base64(audio, newline=False).decode("ascii")
        return (f'{{"event":"media{self._opening},"media":{{"payload":"{payload}"}}}}',)

    def mark(self, name: str) -> str:
        """Ask to be told once what came before was played."""
        quoted = orjson.dumps(name).decode()
        return f'{{"event":"mark{self._opening},"mark":{{"name":{quoted}}}}}'

    def clear(self) -> str:
        """Drop what was not played; Twilio answers open marks at once."""
        return f'{{"event":"clear{self._opening}}}'

    def _media(self, part: Body) -> Sequence[LegEvent]:
        if part.get("track", "inbound") != "inbound":
            return ()
        audio = audio_of(part.get("payload"))
        return (audio,) if audio else ()


def begin(account: str) -> Callable[[Body], MediaStream | None]:
    """What takes the first frames of a stream of *account*: a `Begin`."""

    def take(body: Body) -> MediaStream | None:
        if body.get("event") != "start":
            return None
        start = part(body, "start")
        if start.get("accountSid") != account:
            raise InputError("the stream is of another account", fix="call a number of ours")
        _check_format(part(start, "mediaFormat"))
        return MediaStream(text_of(start, "streamSid"), text_of(start, "callSid"))

    return take


def _check_format(told: Body) -> None:
    if any(told.get(name, value) != value for name, value in ENCODING.items()):
        raise InputError(f"the stream is {dict(told)}", fix="stream mu-law, 8 kHz, one channel")


if TYPE_CHECKING:
    _: type[Frames] = MediaStream
