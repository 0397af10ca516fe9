"""Media streaming from Telnyx's side (pure): what it sends of a call, what it takes."""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from patter.audio.formats import AudioFormat, Encoding
from patter.clock import Clock, LoopClock
from patter_telnyx.double.times import iso_time
from patter_testing.doubles.stream import (
    AskMark,
    CarrierFrames,
    Clear,
    ComplainingFrames,
    ServerFrame,
)

LONGEST_MS = 30_000
ERRORS = {
    "unknown_error": (100002, "An unknown error occurred"),
    "malformed_frame": (100003, "The frame is not one that is known"),
    "invalid_media": (100004, "The payload cannot be played"),
    "rate_limit_reached": (100005, "Too many frames were sent"),
}
"""What Telnyx complains of: its codes, under its titles; the details are ours."""
ENCODINGS = {Encoding.MULAW: "PCMU", Encoding.PCM16: "L16"}


@attrs.define(eq=False, kw_only=True)
class StreamFrames:
    """The frames of stream *stream_id*; counters are text and count from 1.

    *scrambled*: every second media frame overtakes the one before it. *clock* dates the keys.

    Source: developers.telnyx.com/api-reference/websockets (Stream call media over WebSocket).
    """

    stream_id: str
    call_control_id: str
    audio_format: AudioFormat
    start_fields: Mapping[str, str] = attrs.field(factory=dict)
    scrambled: bool = False
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _sequence: int = attrs.field(default=0, init=False)
    _chunk: int = attrs.field(default=0, init=False)
    _sent: int = attrs.field(default=0, init=False)
    _held: list[str] = attrs.field(factory=list, init=False)

    def opening(self) -> Iterable[str]:
        """``connected``, then ``start``."""
        yield _json({"event": "connected", "version": "1.0.0"})
        start = {
            "user_id": "user-of-a-double",
            "call_control_id": self.call_control_id,
            "call_session_id": f"session-of-{self.call_control_id}",
            "custom_parameters": {},
            "media_format": {
                "encoding": ENCODINGS[self.audio_format.encoding],
                "sample_rate": self.audio_format.rate_hz,
                "channels": 1,
            },
            **self.start_fields,
        }
        yield self._frame("start", {"start": start})

    def audio(self, audio: bytes) -> str:
        """What the caller says."""
        self._chunk += 1
        timestamp = str(round(self.audio_format.ms_in(self._sent)))
        self._sent += len(audio)
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": timestamp,
            "payload": b64encode(audio).decode(),
        }
        frame = self._frame("media", {"media": media})
        return self._overtaken(frame) if self.scrambled else frame

    def digit(self, digit: str) -> str:
        """A key the caller pressed, and when."""
        when = {"occurred_at": iso_time(self.clock.wall()), "dtmf": {"digit": digit}}
        return self._frame("dtmf", when)

    def played(self, name: str) -> str:
        """What came before the mark was played, or cleared."""
        return self._frame("mark", {"mark": {"name": name}})

    def cleared(self) -> str:
        """Nothing: Telnyx answers a clear with its marks alone."""
        return ""

    def complaint(self, reason: str) -> str:
        """The error frame for a *reason* of `decode`, or another that `ERRORS` has."""
        title = reason if reason in ERRORS else "malformed_frame"
        code, detail = ERRORS[title]
        return self._frame("error", {"payload": {"code": code, "title": title, "detail": detail}})

    def stop(self) -> str:
        """The stream ends."""
        fields = {"user_id": "user-of-a-double", "call_control_id": self.call_control_id}
        return self._frame("stop", {"stop": fields})

    def decode(self, text: str) -> ServerFrame | None:
        """What the server wants. Raises ValueError for what Telnyx complains of."""
        match orjson.loads(text):
            case {"event": "media", "media": {"payload": str(payload)}}:
                return self._media(payload)
            case {"event": "mark", "mark": {"name": str(name)}}:
                return AskMark(name)
            case {"event": "clear"}:
                return Clear()
        raise ValueError("malformed_frame")

    def _media(self, payload: str) -> bytes:
        form = self.audio_format
        try:
            audio = a2b_base64(payload, strict_mode=True)
        except ValueError as error:
            raise ValueError("invalid_media") from error
        if len(audio) % form.sample_bytes or form.ms_in(len(audio)) > LONGEST_MS:
            raise ValueError("invalid_media")
        return audio

    def _overtaken(self, frame: str) -> str:
        """Frames 2, 1, 4, 3, ...: one a call, beginning with the second."""
        self._held.append(frame)
        return self._held.pop() if self._chunk % 2 == 0 else self._earlier()

    def _earlier(self) -> str:
        return self._held.pop(0) if len(self._held) > 1 else ""

    def _frame(self, event: str, part: Mapping[str, Any]) -> str:
        self._sequence += 1
        fields = {"event": event, "sequence_number": str(self._sequence)}
        return _json({**fields, **part, "stream_id": self.stream_id})


def _json(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()


if TYPE_CHECKING:
    _: type[CarrierFrames] = StreamFrames
    __: type[ComplainingFrames] = StreamFrames
