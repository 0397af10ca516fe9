"""What LMNT takes: the first message of a session, what follows, and the body of a request.

Fields and values from lmnt 2.13; ranges from the vendor's OpenAPI document (1.1, June 2026).
Nothing may be null: a public probe of August 2026 saw that refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from patter.audio.formats import AudioFormat, Encoding
from patter_lmnt.double.messages import Body, Refusal

Check: TypeAlias = Callable[[Any], bool]

LANGUAGES = frozenset(
    {
        *("auto", "ar", "as", "bn", "cs", "da", "de", "en", "es", "fi", "fr", "hi", "id", "it"),
        *("ja", "ko", "ml", "mr", "nl", "pl", "pt", "ru", "sk", "sv", "ta", "te", "th", "tr"),
        *("uk", "ur", "vi", "zh"),
    }
)
RATES = (8_000, 16_000, 24_000)
SESSION_FORMATS = ("mp3", "pcm_s16le", "pcm_f32le", "ulaw", "webm")
BYTES_FORMATS = (*SESSION_FORMATS, "aac", "wav")
VERSIONS = ("1.1", "1.2")
"""Of the protocol with types and nonces; a client without a version means an older one."""

MOST_LETTERS = 5_000


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(least: float, most: float) -> Check:
    return lambda value: type(value) in (int, float) and least <= value <= most


def _is_one(*values: Any) -> Check:
    return lambda value: type(value) in (int, str) and value in values


def _is_bool(value: Any) -> bool:
    return type(value) is bool


_SPEECH: Mapping[str, Check] = {
    "voice": _is_text,
    "language": _is_one(*LANGUAGES),
    "sample_rate": _is_one(*RATES),
}
INIT: Mapping[str, Check] = {
    **_SPEECH,
    "type": _is_one("init"),
    "X-API-Key": lambda value: isinstance(value, str),
    "lmnt-version": _is_text,
    "format": _is_one(*SESSION_FORMATS),
    "return_timestamps": _is_bool,
}
BYTES: Mapping[str, Check] = {
    **_SPEECH,
    "text": _is_text,
    "model": _is_one("blizzard"),
    "format": _is_one(*BYTES_FORMATS),
    "temperature": _is_number(0.0001, 5),
    "top_p": _is_number(0, 1),
    "debug": _is_bool,
}
COMMANDS: Mapping[str, Mapping[str, Check]] = {
    "text": {"text": lambda value: isinstance(value, str)},
    "flush": {"nonce": _is_count},
    "reset": {"nonce": _is_count},
    "finish": {},
}


def parsed(raw: str | bytes) -> Body:
    """The JSON object in *raw*. Raises Refusal."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal(400, "The message is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The message has to be a JSON object.")
    return body


def first_message(raw: str | bytes) -> Body:
    """The message that opens a session. Raises Refusal."""
    body = parsed(raw)
    _check(body, INIT, ("X-API-Key", "voice"))
    if body.get("lmnt-version") not in VERSIONS:
        raise Refusal(400, "This LMNT speaks versions 1.1 and 1.2: send lmnt-version.")
    return body


def command(raw: str | bytes) -> Body:
    """A message of an open session, which has a type. Raises Refusal."""
    body = parsed(raw)
    fields = COMMANDS.get(str(body.get("type")))
    if fields is None:
        raise Refusal(400, f"Unknown message type {body.get('type')!r}.")
    _check(body, {"type": _is_text, **fields}, tuple(fields))
    return body


def request(raw: str | bytes) -> Body:
    """The body of a request for speech. Raises Refusal."""
    body = parsed(raw)
    _check(body, BYTES, ("text", "voice"))
    if len(body["text"]) > MOST_LETTERS:
        raise Refusal(400, f"Text has {len(body['text'])} characters, more than {MOST_LETTERS}.")
    return body


def audio_of(body: Mapping[str, Any]) -> AudioFormat:
    """The audio that *body* asks for. Raises Refusal for what this double does not make."""
    name = body.get("format", "mp3")
    if name not in ("ulaw", "pcm_s16le"):
        raise Refusal(400, f"This double makes ulaw and pcm_s16le, not {name}.")
    is_mulaw = name == "ulaw"
    rate = body.get("sample_rate", 8_000 if is_mulaw else 24_000)
    return AudioFormat(Encoding.MULAW if is_mulaw else Encoding.PCM16, rate)


def _check(body: Mapping[str, Any], fields: Mapping[str, Check], needed: tuple[str, ...]) -> None:
    """Raise Refusal for a field that is missing, unknown or has no sense."""
    for name in needed:
        if name not in body:
            raise Refusal(400, f"{name}: Field required.")
    for name, value in body.items():
        if name not in fields:
            raise Refusal(400, f"{name}: Extra inputs are not permitted.")
        if not fields[name](value):
            # The value is not repeated: it may be a key.
            raise Refusal(400, f"{name}: Input is not valid.")
