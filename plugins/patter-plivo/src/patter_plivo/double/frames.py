"""Audio streams from Plivo's side (pure): what it sends of a call, what it takes."""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from patter.clock import Clock, LoopClock
from patter_testing.doubles.stream import AskMark, CarrierFrames, Clear, Keys, ServerFrame

BYTES_PER_MS = 8
MULAW = "audio/x-mulaw"


@attrs.define(eq=False, kw_only=True)
class StreamFrames:
    """The frames of stream *stream_id*. Without *stops* it just closes, as Plivo documents it.

    Sources: docs.plivo.com/docs/voice-agents/audio-streaming (Audio Streaming Protocol
    Reference), and the schemas of plivo-stream-sdk-node, which refuse a frame that lacks a field.
    """

    stream_id: str
    call_uuid: str
    account: str
    extra_headers: str = ""
    stops: bool = True
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    _began_ms: int = attrs.field(default=0, init=False)
    _sequence: int = attrs.field(default=0, init=False)
    _chunk: int = attrs.field(default=0, init=False)
    _sent: int = attrs.field(default=0, init=False)

    def opening(self) -> Iterable[str]:
        """``start``; there is no ``connected``."""
        self._began_ms = round(self.clock.wall() * 1_000)
        start = {
            "callId": self.call_uuid,
            "streamId": self.stream_id,
            "accountId": self.account,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": MULAW, "sampleRate": 8000},
        }
        yield self._frame("start", start=start, extra_headers=self.extra_headers)

    def audio(self, audio: bytes) -> str:
        """What the caller says."""
        self._chunk += 1
        timestamp = str(self._began_ms + self._sent // BYTES_PER_MS)
        self._sent += len(audio)
        media = {
            "track": "inbound",
            "chunk": self._chunk,
            "timestamp": timestamp,
            "payload": b64encode(audio).decode(),
        }
        return self._of_stream("media", media=media, extra_headers=self.extra_headers)

    def digit(self, digit: str) -> str:
        """A key the caller pressed."""
        timestamp = str(round(self.clock.wall() * 1_000))
        dtmf = {"track": "inbound", "digit": digit, "timestamp": timestamp}
        return self._of_stream("dtmf", dtmf=dtmf, extra_headers=self.extra_headers)

    def played(self, name: str) -> str:
        """A checkpoint was reached."""
        return self._of_stream("playedStream", name=name)

    def cleared(self) -> str:
        """The queue was cleared."""
        return self._of_stream("clearedAudio")

    def stop(self) -> str:
        """The stream ends."""
        return self._of_stream("stop") if self.stops else ""

    def decode(self, text: str) -> ServerFrame | None:
        """What the server wants. Raises ValueError for what Plivo would complain of."""
        body = orjson.loads(text)
        match body:
            case {"event": "playAudio", "media": {"payload": str(payload)}}:
                _check_format(body["media"])
                return a2b_base64(payload, strict_mode=True)
            case {"event": "checkpoint", "streamId": self.stream_id, "name": str(name)}:
                return AskMark(name)
            case {"event": "clearAudio", "streamId": self.stream_id}:
                return Clear()
            case {"event": "sendDTMF", "dtmf": str(digits)}:
                return Keys(digits)
        raise ValueError("unknown event, or another stream's")

    def _of_stream(self, event: str, **more: Any) -> str:
        return self._frame(event, streamId=self.stream_id, **more)

    def _frame(self, event: str, **more: Any) -> str:
        self._sequence += 1
        return orjson.dumps({"event": event, "sequenceNumber": self._sequence, **more}).decode()


def _check_format(media: dict[str, Any]) -> None:
    if media.get("contentType") != MULAW or str(media.get("sampleRate")) != "8000":
        raise ValueError("this stream plays mu-law at 8000 Hz")


if TYPE_CHECKING:
    _: type[CarrierFrames] = StreamFrames
