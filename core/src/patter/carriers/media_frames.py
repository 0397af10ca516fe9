"""JSON text frames, as most carriers stream media in: what a plugin reads and writes (pure).

What differs between vendors is a `MediaFrames` value, one for each stream.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import orjson
from aiohttp import WSMsgType

from patter.audio.formats import AudioFormat
from patter.errors import InputError
from patter.providers.carrier import Dtmf, LegEvent, MarkPlayed

Body: TypeAlias = Mapping[str, Any]
KEYS = frozenset("0123456789*#ABCD")


class MediaFrames(Protocol):
    """One stream's frames. What is sent is JSON text; *decode* raises InputError for nonsense."""

    @property
    def audio(self) -> AudioFormat: ...

    @property
    def carrier_call_id(self) -> str:
        """Whose stream it is, as its first frame said."""
        ...

    def decode(self, body: Body) -> Sequence[LegEvent]:
        """The events in a frame, in order; often none."""
        ...

    def media(self, audio: bytes) -> Sequence[str]:
        """The frames that carry *audio*."""
        ...

    def mark(self, name: str) -> str: ...

    def clear(self) -> str: ...


@runtime_checkable
class HoldingFrames(Protocol):
    """`MediaFrames` that hold an event back for a moment: what belongs before it may still come."""

    def patience_ms(self) -> float | None:
        """How long the first of what is held may still wait; None when nothing is held."""
        ...

    def release(self) -> Sequence[LegEvent]:
        """What has waited long enough, in order."""
        ...

    def rest(self) -> Sequence[LegEvent]:
        """Everything that is held, in order: no more frames come."""
        ...


Begin: TypeAlias = Callable[[Body], MediaFrames | None]
"""Takes the frames of a new stream until one begins it; raises InputError for a wrong one."""


def parsed(kind: WSMsgType, data: Any) -> Body:
    """The JSON object in a text frame. Raises InputError."""
    if kind is not WSMsgType.TEXT:
        raise InputError("a media frame is not text", fix="send JSON in text frames")
    try:
        body = orjson.loads(data)
    except ValueError as error:
        raise InputError("a media frame is not JSON", fix="send JSON in text frames") from error
    if not isinstance(body, dict):
        raise InputError("a media frame is not an object", fix='send {"event": ...}')
    return body


def audio_of(payload: object) -> bytes:
    """The audio in a frame's base64. Raises InputError."""
    if not isinstance(payload, str):
        raise InputError("a media frame has no payload", fix="send base64 text")
    try:
        # Without strict mode foreign characters are skipped, and garbage is played as noise.
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError as error:
        raise InputError("a media payload is not base64", fix="send base64 text") from error


def part(body: Body, name: str) -> Body:
    """The object that a frame has under *name*. Raises InputError."""
    value: Any = body.get(name)
    if not isinstance(value, dict):
        raise InputError(f"a media frame has no {name}", fix="send frames as the carrier does")
    return value


def text_of(body: Body, name: str) -> str:
    """The text, not empty, that a frame or its part has under *name*. Raises InputError."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"a media frame has no {name}", fix="send frames as the carrier does")
    return value


def key_of(digit: str) -> Dtmf:
    """The key that was pressed. Raises InputError for what is none."""
    if digit not in KEYS:
        raise InputError(f"{digit[:10]!r} is not a key", fix="send one of 0-9 * # A-D")
    return Dtmf(digit)


def payload_of(audio: bytes) -> str:
    """*audio* in base64, as a media frame carries it: the inverse of `audio_of`."""
    return binascii.b2a_base64(audio, newline=False).decode("ascii")


def caller_audio(media: Body) -> bytes:
    """The caller's audio in a media part; empty for the other track. Raises InputError."""
    if media.get("track", "inbound") != "inbound":
        return b""
    return audio_of(media.get("payload"))


def mark_event(body: Body) -> MarkPlayed:
    """The event of a frame ``{"mark": {"name": ...}}``. Raises InputError."""
    return MarkPlayed(text_of(part(body, "mark"), "name"))


def dtmf_event(body: Body) -> Dtmf:
    """The event of a frame ``{"dtmf": {"digit": ...}}``. Raises InputError."""
    return key_of(text_of(part(body, "dtmf"), "digit"))
