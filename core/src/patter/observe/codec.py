"""The events of a call as lines of JSON and back: the only module that knows their format.

A line is ``{"v": 2, "call": ..., "seq": ..., "at_ms": ..., "type": ..., fields}``. What a
later Patter may add without a new version (a field, a type) an older one can still read: it
ignores the field, and reads the event as a `Note`.
"""

from __future__ import annotations

from typing import Any, TypeVar, Union

import msgspec
from msgspec.structs import replace

from patter.errors import InputError
from patter.observe.events import EVENTS, VERSION, CallEvent, Note
from patter.observe.version_1 import upgraded

E = TypeVar("E", bound=CallEvent)


class _Head(msgspec.Struct):
    """What every line has, whatever its type."""

    v: int
    type: str
    call: str
    seq: int
    at_ms: int


_ENCODER = msgspec.json.Encoder()
_BLANK = b'"call":"","seq":0,"at_ms":0,'
"""The stamps of an event without them, as the classes that write every field have them."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, KeyError, TypeError, AttributeError)
_HEADS = msgspec.json.Decoder(_Head)
_EVENTS: msgspec.json.Decoder[CallEvent] = msgspec.json.Decoder(Union[tuple(EVENTS.values())])  # noqa: UP007


def stamped(event: E, call: str, seq: int, at_ms: int) -> E:
    """*event* as the *seq*-th of *call*, at *at_ms*."""
    return replace(event, call=call, seq=seq, at_ms=at_ms)


def encode_line(event: CallEvent) -> bytes:
    """One line of a record, without the line end. Raises TypeError or ValueError.

    The stamps are written always, and before the type, so the event is encoded without them.
    """
    body = _ENCODER.encode(stamped(event, "", 0, 0))
    if not event.__struct_config__.omit_defaults:
        body = body.replace(_BLANK, b"", 1)
    call = _ENCODER.encode(event.call)
    return b'{"v":%d,"call":%b,"seq":%d,"at_ms":%d,%b' % (
        VERSION,
        call,
        event.seq,
        event.at_ms,
        body[1:],
    )


def decode_line(line: bytes | str) -> CallEvent:
    """The event of one line of a record.

    Raises InputError when a newer Patter wrote it, or it is not an event.
    """
    try:
        head = _HEADS.decode(line)
        if head.v > VERSION:
            raise InputError(
                f"an event is of record version {head.v}, this reads {VERSION}",
                fix="pip install --upgrade patter-core",
            )
        if head.v == 1 and head.type in EVENTS:
            event: CallEvent = msgspec.convert(upgraded(msgspec.json.decode(line)), _EVENTS.type)
            return event
        if head.type in EVENTS:
            return _EVENTS.decode(line)
    except _UNREADABLE as error:
        raise InputError(
            f"this is not an event: {error}", fix="use a copy that is not damaged"
        ) from error
    return stamped(Note(what="unknown_event", text=head.type), head.call, head.seq, head.at_ms)


def event_fields(event: CallEvent) -> dict[str, Any]:
    """The fields of *event* alone, as its JSON has them: no stamps, nothing left out there."""
    data: dict[str, Any] = msgspec.to_builtins(stamped(event, "", 0, 0))
    return {name: value for name, value in data.items() if name in _own_fields(event)}


def _own_fields(event: CallEvent) -> frozenset[str]:
    return frozenset(event.__struct_fields__) - frozenset(CallEvent.__struct_fields__)
