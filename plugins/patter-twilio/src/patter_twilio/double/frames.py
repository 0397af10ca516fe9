"""Media Streams from Twilio's side (pure): what it sends of a call, what it takes."""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from patter_testing.doubles.stream import AskMark, CarrierFrames, Clear, ServerFrame
from patter_twilio._wire import ENCODING

FRAME_MS = 20
MEDIA_BYTES = 8_000
"""Bytes of audio a second."""


@attrs.define(eq=False, kw_only=True)
class StreamFrames:
    """The frames of stream *stream_sid*; counters are text and count from 1, as Twilio's do."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    _sequence: int = attrs.field(default=0, init=False)
    _chunk: int = attrs.field(default=0, init=False)
    _sent: int = attrs.field(default=0, init=False)

    def opening(self) -> Iterable[str]:
        """``connected``, then ``start``."""
        yield _json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "streamSid": self.stream_sid,
            "accountSid": self.account_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": dict(self.parameters),
            "mediaFormat": ENCODING,
        }
        yield self._frame("start", start)

    def audio(self, audio: bytes) -> str:
        """What the caller says."""
        self._chunk += 1
        timestamp = str(self._sent * 1_000 // MEDIA_BYTES)
        self._sent += len(audio)
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": timestamp,
            "payload": b64encode(audio).decode(),
        }
        return self._frame("media", media)

    def digit(self, digit: str) -> str:
        """A key the caller pressed."""
        return self._frame("dtmf", {"track": "inbound_track", "digit": digit})

    def played(self, name: str) -> str:
        """What came before the mark was played, or cleared."""
        return self._frame("mark", {"name": name})

    def cleared(self) -> str:
        """Nothing: Twilio answers a clear with its marks alone."""
        return ""

    def stop(self) -> str:
        """The stream ends."""
        return self._frame("stop", {"accountSid": self.account_sid, "callSid": self.call_sid})

    def decode(self, text: str) -> ServerFrame | None:
        """What the server wants. Raises ValueError for what Twilio warns of with 31950, 31951."""
        body = orjson.loads(text)
        if not isinstance(body, dict) or body.get("streamSid") != self.stream_sid:
            raise ValueError("not of this stream")
        match body:
            case {"event": "media", "streamSid": _, "media": {"payload": str(payload)}}:
                _check(body, 3)
                return a2b_base64(payload, strict_mode=True)
            case {"event": "mark", "streamSid": _, "mark": {"name": str(name)}}:
                _check(body, 3)
                return AskMark(name)
            case {"event": "clear", "streamSid": _}:
                _check(body, 2)
                return Clear()
        raise ValueError("unknown event")

    def _frame(self, event: str, part: Mapping[str, Any]) -> str:
        self._sequence += 1
        fields = {"event": event, "sequenceNumber": str(self._sequence)}
        return _json({**fields, event: part, "streamSid": self.stream_sid})


def _check(body: Mapping[str, Any], fields: int) -> None:
    """Extra fields are malformed too."""
    if len(body) != fields:
        raise ValueError("too many fields")


def _json(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()


if TYPE_CHECKING:
    _: type[CarrierFrames] = StreamFrames
