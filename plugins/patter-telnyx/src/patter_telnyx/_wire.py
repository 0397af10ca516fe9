"""Telnyx's media streaming as pure functions: JSON objects in, events out, frames as text.

Text frames only, the caller's track alone, frames and keys in order whatever order they came in.
Events that this version does not know are ignored; those it knows raise InputError when they
make no sense. Keys are taken from here, never from webhooks, or each would count twice.
Source: developers.telnyx.com/api-reference/websockets (Stream call media over WebSocket).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from patter.audio.formats import AudioFormat, Encoding
from patter.carriers.media_frames import (
    Body,
    HoldingFrames,
    MediaFrames,
    audio_of,
    dtmf_event,
    mark_event,
    part,
    payload_of,
    text_of,
)
from patter.clock import Clock, LoopClock
from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, StreamError
from patter.text.variables import clean
from patter_telnyx._key_order import KeyOrder, Press, pressed_ms
from patter_telnyx._reorder import Reorder

log = logging.getLogger("patter.telnyx")
CODECS = {"PCMU": Encoding.MULAW, "L16": Encoding.PCM16}
FRAME_MS = 1_000
LEAST_MS = 20
"""Telnyx takes 20 ms to 30 s in a frame; a second keeps a clear and a slow socket cheap."""
FATAL = frozenset({"100002"})
"""``unknown_error``: nobody can say what of the stream still works. The others are about one frame
of ours: 100003 ``malformed_frame``, 100004 ``invalid_media``, 100005 ``rate_limit_reached``."""
MAX_CODE, MAX_TEXT = 20, 200
MAX_ERRORS = 20
"""How many refused frames show that the agent is not heard: then the stream is given up."""


@attrs.define(eq=False, kw_only=True)
class MediaStream:
    """The frames of one stream of the call *carrier_call_id*; *stopped* by Telnyx, it is over.

    *big_endian*: samples of two bytes are swapped on the wire. *clock* times the keys.
    """

    stream_id: str
    carrier_call_id: str
    audio: AudioFormat
    big_endian: bool = False
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    stopped: bool = attrs.field(default=False, init=False)
    _order: Reorder[bytes] = attrs.field(factory=Reorder, init=False, repr=False)
    _keys: KeyOrder = attrs.field(factory=KeyOrder, init=False, repr=False)
    _errors: int = attrs.field(default=0, init=False)

    def decode(self, body: Body) -> Sequence[LegEvent]:
        """The events in a frame. Raises InputError."""
        match body.get("event"):
            case "media":
                return self._media(part(body, "media"))
            case "mark":
                return (mark_event(body),)
            case "dtmf":
                return self._key(dtmf_event(body), body)
            case "error":
                return (self._error(body.get("payload")),)
            case "stop":
                return self._stopped()
        return ()

    def media(self, audio: bytes) -> Sequence[str]:
        """The frames that carry *audio*: of a second, the last one never too short alone."""
        wire = _swapped(audio) if self.big_endian else audio
        return [_media_frame(part) for part in _parts(wire, self.audio)]

    def mark(self, name: str) -> str:
        """Ask for a mark event once everything before it was played."""
        return f'{{"event":"mark","mark":{{"name":{orjson.dumps(name).decode()}}}}}'

    def clear(self) -> str:
        """Drop what was not played; Telnyx answers open marks at once."""
        return '{"event":"clear"}'

    def _media(self, part: Body) -> Sequence[LegEvent]:
        if part.get("track", "inbound") != "inbound":
            return ()
        # Also an empty frame has its number, without which the next ones would wait.
        audio = audio_of(part.get("payload"))
        if len(audio) % self.audio.sample_bytes:
            raise InputError("a media frame ends in half a sample", fix="send whole samples")
        if self.big_endian:
            audio = _swapped(audio)
        number = _number(part.get("chunk"))
        ready = [audio] if number is None else self._order.put(number, audio)
        return [each for each in ready if each]

    def patience_ms(self) -> float | None:
        """How long the first key that waits for an earlier one may still do so."""
        return self._keys.patience_left_ms(self.clock.ms())

    def release(self) -> Sequence[LegEvent]:
        """The keys that have waited long enough."""
        return self._keys.release(self.clock.ms())

    def rest(self) -> Sequence[LegEvent]:
        """The audio and the keys that still wait: no more frames come."""
        return [*(each for each in self._order.rest() if each), *self._keys.rest()]

    def _key(self, key: Dtmf, body: Body) -> Sequence[LegEvent]:
        """A key without a time is heard after those that came before it."""
        at_ms = pressed_ms(body.get("occurred_at"))
        if at_ms is None:
            return [*self._keys.rest(), key]
        press = Press(key, at_ms, _number(body.get("sequence_number")))
        return self._keys.put(press, self.clock.ms())

    def _error(self, raw: object) -> StreamError:
        self._errors += 1
        code, text = _complaint(raw)
        fatal = code in FATAL or self._errors >= MAX_ERRORS
        ending = "; the stream is given up" if fatal else ""
        log.warning("call %s: Telnyx says %s %s%s", self.carrier_call_id, code, text, ending)
        return StreamError(code, f"{text}{ending}", fatal)

    def _stopped(self) -> Sequence[LegEvent]:
        self.stopped = True
        return [*self.rest(), Hangup("stop")]


def begin(audio: AudioFormat, *, big_endian: bool = False) -> Callable[[Body], MediaStream | None]:
    """A `Begin` for streams of *audio*."""

    def take(body: Body) -> MediaStream | None:
        if body.get("event") != "start":
            return None
        start = part(body, "start")
        _check_format(part(start, "media_format"), audio)
        return MediaStream(
            stream_id=text_of(body, "stream_id"),
            carrier_call_id=text_of(start, "call_control_id"),
            audio=audio,
            big_endian=big_endian and audio.sample_bytes == 2,
        )

    return take


def _check_format(media_format: Body, audio: AudioFormat) -> None:
    agreed = (
        CODECS.get(str(media_format.get("encoding"))) is audio.encoding
        and media_format.get("sample_rate", audio.rate_hz) == audio.rate_hz
        and media_format.get("channels", 1) == 1
    )
    if not agreed:
        raise InputError(
            f"the stream is {clean(str(dict(media_format)))}, not {audio}",
            fix="let the connection offer G.711 mu-law, or choose another codec=",
        )


def _parts(audio: bytes, form: AudioFormat) -> Iterator[bytes]:
    size, least = form.bytes_in(FRAME_MS), form.bytes_in(LEAST_MS)
    at = 0
    while len(audio) - at >= size + least:
        yield audio[at : at + size]
        at += size
    if at < len(audio):
        yield audio[at:]


def _media_frame(audio: bytes) -> str:
    payload = payload_of(audio)
    return f'{{"event":"media","media":{{"payload":"{payload}"}}}}'


def _swapped(samples: bytes) -> bytes:
    """16-bit *samples* in the other byte order."""
    swapped = bytearray(len(samples))
    swapped[0::2], swapped[1::2] = samples[1::2], samples[0::2]
    return bytes(swapped)


def _number(chunk: object) -> int | None:
    if isinstance(chunk, int) and not isinstance(chunk, bool):
        return chunk
    if isinstance(chunk, str) and chunk.isascii() and chunk.isdigit() and len(chunk) < 16:
        return int(chunk)
    return None


def _complaint(raw: object) -> tuple[str, str]:
    """Telnyx's code, and its words for it."""
    error: dict[str, Any] = raw if isinstance(raw, dict) else {}
    words = [str(error[name]) for name in ("title", "detail") if error.get(name)]
    text = clean(": ".join(words))[:MAX_TEXT] or "it does not say what is wrong"
    return clean(str(error.get("code") or "unknown"))[:MAX_CODE], text


if TYPE_CHECKING:
    _: type[MediaFrames] = MediaStream
    __: type[HoldingFrames] = MediaStream
