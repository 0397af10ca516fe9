"""A call as it may be handed on: numbers masked, keys counted, digits in words hidden. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from patter.observe.codec import decode_line, encode_line
from patter.observe.events import CallEvent, EngineStep, Started, Wire
from patter.observe.redact import Redaction, Redactor
from patter.text.keys import SHOWN_KEYS, key_text

HIDDEN = "****"
_DIGITS = re.compile(r"\d(?:[ -]?\d){3,}")
_MASK = Redactor(Redaction.MASK)


def redacted(events: Sequence[CallEvent]) -> list[CallEvent]:
    """*events* without numbers: of who calls and is called the last four digits stay.

    Keys are counted, and any four or more digits in words or arguments are ``****``.
    """
    return [_redacted(event) for event in events]


def _redacted(event: CallEvent) -> CallEvent:
    match event:
        case Started():
            who = {"caller": _party(event.caller), "callee": _party(event.callee)}
            return msgspec.structs.replace(event, **who, carrier_call_id="")
        case Wire(what="dtmf") if event.digits:
            return msgspec.structs.replace(event, digits="", hidden=len(event.digits))
        case EngineStep():
            return msgspec.structs.replace(
                event, input=_hidden(event.input), effects=_hidden(event.effects)
            )
    data = msgspec.json.decode(encode_line(event))
    kept = {name: data[name] for name in ("v", "call", "seq", "at_ms", "type")}
    return decode_line(msgspec.json.encode(_hidden(data) | kept))


def _party(number: str) -> str:
    """The number or name of a party: its end stays, to tell calls apart."""
    return number if number.startswith(("***", "hmac:")) else _MASK.number(number)


def _hidden(value: Any) -> Any:
    """*value* with every text in it cleared of numbers and keys."""
    match value:
        case str():
            keys = SHOWN_KEYS.sub(lambda keys: key_text("", len(keys[1])), value)
            return _DIGITS.sub(HIDDEN, _MASK.text(keys))
        case dict():
            return {
                name: "x" if name == "digit" and isinstance(each, str) else _hidden(each)
                for name, each in value.items()
            }
        case list() | tuple():
            return [_hidden(each) for each in value]
    return value
