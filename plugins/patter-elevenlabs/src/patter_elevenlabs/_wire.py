"""The WebSocket protocol of ElevenLabs' voices, multi-stream-input, as pure functions.

From elevenlabs 2.78 and the API reference. The live service has been seen to answer with
``context_id`` where these say ``contextId``, and with ``{"type": "flush_done"}``, so both names
are read and what has neither audio nor an end is skipped.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import attrs
import orjson

from patter.vendors import options
from patter.vendors.sockets import decoded
from patter_elevenlabs._errors import ERRORS, of_message
from patter_elevenlabs._settings import PronunciationDictionary, VoiceSettings
from patter_elevenlabs._words import Alignment


@attrs.frozen
class Piece:
    """Audio of *context*, and its characters; *final*: the context is no more."""

    context: str
    audio: bytes = attrs.field(default=b"", repr=False)
    alignment: Alignment | None = None
    final: bool = False


def socket_url(base_url: str, voice: str) -> str:
    """The address of the socket at *base_url* that speaks with *voice*."""
    path = f"/v1/text-to-speech/{quote(voice, safe='')}/multi-stream-input"
    return options.socket_url(base_url, path)


def begin(
    context: str,
    settings: VoiceSettings | None,
    dictionaries: Iterable[PronunciationDictionary],
    schedule: Iterable[int],
) -> str:
    """The first message of *context*: a space, and what holds for all of it."""
    message: dict[str, Any] = {"text": " ", "context_id": context}
    if settings is not None and (values := settings.wire()):
        message["voice_settings"] = values
    if lengths := list(schedule):
        message["generation_config"] = {"chunk_length_schedule": lengths}
    if locators := [attrs.asdict(each) for each in dictionaries]:
        message["pronunciation_dictionary_locators"] = locators
    return _text(message)


def speak(context: str, sentence: str) -> str:
    """Say *sentence*, without waiting for more."""
    # Texts are joined as they come, and a word is believed to be whole when a space follows it.
    return _text({"text": f"{sentence.strip()} ", "context_id": context, "flush": True})


def close(context: str) -> str:
    """End *context*: what was flushed is still spoken, then it is final."""
    return _text({"context_id": context, "close_context": True})


def keep_alive(context: str) -> str:
    """Begin the time that *context*, and its socket, may be idle anew."""
    return _text({"text": "", "context_id": context})


def close_socket() -> str:
    """End the socket."""
    return _text({"close_socket": True})


def decode(message: str | bytes, key: str) -> Piece | None:
    """Read one message; None for one without news.

    Raises PatterError for one that tells of an error, without *key* in it, and for garbage.
    """
    body = decoded(message, ERRORS)
    if body.get("error") is not None:
        raise of_message(body, key)
    context = body.get("contextId") or body.get("context_id") or ""
    final = body.get("isFinal") is True or body.get("is_final") is True
    try:
        audio = b64decode(body.get("audio") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ERRORS.garbled(message) from None
    if not audio and not final:
        return None
    return Piece(str(context), audio, alignment(body.get("alignment")), final)


_NUMBERS = {int, float}


def alignment(body: object) -> Alignment | None:
    """The timed characters in *body*; None when there are none that can be read."""
    if not isinstance(body, Mapping):
        return None
    names = ("chars", "charStartTimesMs", "charDurationsMs")
    parts: list[Any] = [body.get(name) for name in names]
    if not all(isinstance(part, list) for part in parts) or not parts[0]:
        return None
    chars, starts, durations = parts
    if not len(chars) == len(starts) == len(durations):
        return None
    # The types at once: asking each of hundreds of characters takes as long as all the rest.
    if {*map(type, chars)} != {str} or not {*map(type, starts), *map(type, durations)} <= _NUMBERS:
        return None
    return Alignment(tuple(chars), tuple(starts), tuple(durations))


def _text(message: Mapping[str, Any]) -> str:
    return orjson.dumps(message).decode()
