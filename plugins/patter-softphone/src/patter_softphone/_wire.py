"""The softphone's protocol as pure functions: frames in, values out, and back.

No sockets, no clocks. Everything a client can get wrong is decided here, so everything a
client can get wrong is testable without a network. The README describes it for other clients.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeAlias

import attrs
import orjson

from patter.carriers.media_frames import KEYS
from patter.errors import InputError
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed, TypedText
from patter_softphone._faults import Faults

MAX_TEXT_CHARS = 2_000
MAX_NAME_CHARS = 200


class Close(IntEnum):
    """Why a media socket was closed; 1000, 1001 and 1009 mean what they always mean."""

    DONE = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    MALFORMED = 4400
    TOKEN_REFUSED = 4401
    TOO_SLOW = 4408
    TOO_MANY = 4429
    DROPPED = 4499
    FAILED = 4500


REASONS: Mapping[Close, str] = {
    Close.DONE: "the call is over",
    Close.MALFORMED: "too many frames that were not understood",
    Close.TOO_SLOW: "the client does not keep up",
    Close.DROPPED: "dropped, as asked",
}


@attrs.frozen
class Media:
    """The caller's audio, mu-law 8 kHz; usually sent as a binary frame instead."""

    payload: bytes


@attrs.frozen
class SetFaults:
    """Make the line this bad from now on."""

    faults: Faults


@attrs.frozen
class Drop:
    """Lose the connection on purpose, without hanging up."""


@attrs.frozen
class Start:
    """The token was good and the call is live; *faults* says if the line may be made bad."""

    call_id: str
    faults: bool = False


@attrs.frozen
class Mark:
    """Answer with MarkPlayed(name) when all audio sent before was played or cleared."""

    name: str


@attrs.frozen
class Clear:
    """Drop the audio that was not played yet, and answer its marks."""


@attrs.frozen
class CallNote:
    """An event of the call, as `patter.observe.events` words it."""

    data: Mapping[str, Any]


@attrs.frozen
class Complaint:
    """A frame could not be used; the call goes on."""

    code: str
    message: str
    fix: str


@attrs.frozen
class Ended:
    """The call is over; the socket is closed next."""

    reason: str = ""


ClientFrame: TypeAlias = Media | Dtmf | MarkPlayed | TypedText | Hangup | SetFaults | Drop
ServerFrame: TypeAlias = Start | Mark | Clear | CallNote | Complaint | Ended


def encode(frame: ClientFrame | ServerFrame) -> str:
    """The text frame that says *frame*."""
    return orjson.dumps(_body(frame)).decode()


def note(event: bytes) -> str:
    """The text frame that carries an *event* which is JSON already."""
    return '{"event":"call","data":' + event.decode() + "}"


def decode_client(text: str) -> ClientFrame:
    """The client's frame. Raises InputError naming what is wrong and what to send instead."""
    body = _object(text)
    read = _CLIENT.get(_string(body, "event", MAX_NAME_CHARS))
    if read is None:
        raise InputError(
            f"event {str(body['event'])[:40]!r} is not known",
            fix=f"send one of {', '.join(sorted(_CLIENT))}, or audio as a binary frame",
        )
    return read(body)


def decode_server(text: str) -> ServerFrame | None:
    """The server's frame; None for an event of a later version."""
    body = _object(text)
    match body.pop("event", None):
        case "start":
            return Start(body["call_id"], body.get("faults", False))
        case "mark":
            return Mark(body["name"])
        case "clear":
            return Clear()
        case "call":
            return CallNote(body["data"])
        case "error":
            return Complaint(body["code"], body["message"], body["fix"])
        case "ended":
            return Ended(body.get("reason", ""))
    return None


def _body(frame: ClientFrame | ServerFrame) -> dict[str, Any]:
    match frame:
        case Media(payload):
            return {"event": "media", "payload": base64.b64encode(payload).decode()}
        case SetFaults(faults):
            return {"event": "faults", **attrs.asdict(faults)}
        case CallNote(data):
            return {"event": "call", "data": dict(data)}
        case _:
            return {"event": _NAMES[type(frame)], **attrs.asdict(frame)}


_NAMES: Mapping[type, str] = {
    Dtmf: "dtmf",
    MarkPlayed: "mark",
    TypedText: "text",
    Hangup: "hangup",
    Drop: "drop",
    Start: "start",
    Mark: "mark",
    Clear: "clear",
    Complaint: "error",
    Ended: "ended",
}


def _object(text: str) -> dict[str, Any]:
    try:
        body = orjson.loads(text)
    except ValueError as error:
        raise InputError(
            f"the frame is not JSON: {error}", fix="send one JSON object in each text frame"
        ) from error
    if not isinstance(body, dict):
        raise InputError("the frame is not an object", fix='send {"event": ...}')
    return body


def _string(body: Mapping[str, Any], name: str, limit: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > limit:
        raise InputError(
            f"{name!r} is not text of 1 to {limit} characters",
            fix=f"send {name!r} as a string",
        )
    return value


def _media(body: Mapping[str, Any]) -> Media:
    payload = body.get("payload")
    if not isinstance(payload, str):
        raise InputError("media has no payload", fix="send 'payload' as base64 of mu-law audio")
    try:
        return Media(base64.b64decode(payload, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InputError(
            f"the payload is not base64: {error}", fix="send base64 of mu-law audio"
        ) from error


def _dtmf(body: Mapping[str, Any]) -> Dtmf:
    digit = _string(body, "digit", 1).upper()
    if digit not in KEYS:
        raise InputError("the digit is not on a keypad", fix="send one of 0-9 * # A-D")
    return Dtmf(digit)


def _mark(body: Mapping[str, Any]) -> MarkPlayed:
    return MarkPlayed(_string(body, "name", MAX_NAME_CHARS))


def _text(body: Mapping[str, Any]) -> TypedText:
    words = " ".join(printable(_string(body, "text", MAX_TEXT_CHARS)).split())
    if not words:
        raise InputError("the text has no words", fix="send what the caller says")
    return TypedText(words)


def _hangup(body: Mapping[str, Any]) -> Hangup:
    reason = body.get("reason", "")
    return Hangup(printable(reason)[:MAX_NAME_CHARS] if isinstance(reason, str) else "")


def _faults(body: Mapping[str, Any]) -> SetFaults:
    try:
        return SetFaults(
            Faults(
                loss_percent=_number(body, "loss_percent"),
                jitter_ms=int(_number(body, "jitter_ms")),
                echo_db=None if body.get("echo_db") is None else _number(body, "echo_db"),
                seed=int(_number(body, "seed", 7)),
            )
        )
    except ValueError as error:
        raise InputError(
            f"the network simulation is out of range: {error}",
            fix="loss_percent 0 to 30, jitter_ms 0 to 400, echo_db -40 to 0 or null",
        ) from error


def _number(body: Mapping[str, Any], name: str, default: float = 0) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is not a number")
    return value


def _drop(_: Mapping[str, Any]) -> Drop:
    return Drop()


def printable(text: str) -> str:
    """*text* with line ends and control characters turned into spaces."""
    return "".join(each if each.isprintable() else " " for each in text)


_CLIENT: Mapping[str, Callable[[Mapping[str, Any]], ClientFrame]] = {
    "media": _media,
    "dtmf": _dtmf,
    "mark": _mark,
    "text": _text,
    "hangup": _hangup,
    "faults": _faults,
    "drop": _drop,
}
