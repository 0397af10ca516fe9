"""The Live protocol as pure functions: what is sent as JSON, and what is read from it.

Messages are in the camel case of protobuf's JSON. Google sends its own as binary frames; text is
as good.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from patter.providers.llm import ToolRequest
from patter_google._errors import ERRORS
from patter_google._wire import NO_RESULT, OUR_ID

Wire: TypeAlias = Mapping[str, Any]

SPEECH_MIME = "audio/pcm;rate=24000"
_RATE = re.compile(r"rate=(\d+)")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def read(message: str | bytes) -> Wire:
    """One message of the vendor's. Raises ProviderError for what is none."""
    try:
        body = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise ERRORS.garbled(message) from None
    if not isinstance(body, dict):
        raise ERRORS.garbled(message)
    return body


def write(message: Wire) -> str:
    """*message* as it is sent."""
    return orjson.dumps(message).decode()


def audio(sound: bytes) -> str:
    """The caller's next audio; it is sent fifty times a second, so it is not built as JSON."""
    data = base64.b64encode(sound).decode()
    return f'{{"realtimeInput":{{"audio":{{"data":"{data}","mimeType":"audio/pcm;rate=16000"}}}}}}'


def realtime(**part: Any) -> str:
    """One thing of the stream: ``text``, ``activityStart``, ``activityEnd``, ``audioStreamEnd``."""
    return write({"realtimeInput": part})


def client_content(turns: Sequence[Wire], *, complete: bool) -> str:
    """Rows for the conversation; *complete* asks for an answer to all that there is by now."""
    return write({"clientContent": {"turns": turns, "turnComplete": complete}})


def context_update(instructions: Wire | None, tools: Sequence[Wire] | None) -> str:
    """Other instructions or tools from now on; None leaves them as they are."""
    update: dict[str, Any] = {}
    if instructions is not None:
        update["systemInstruction"] = instructions
    if tools is not None:
        update["tools"] = {"tools": tools}
    return write({"contextUpdate": update})


def tool_response(
    call_id: str, name: str, result: str, *, failed: bool, scheduling: str = ""
) -> str:
    """The result of a tool; *scheduling* is for tools that the model does not wait for."""
    response: dict[str, Any] = {
        "name": name,
        "response": {"error": result or NO_RESULT} if failed else _output(result),
    }
    if not call_id.startswith(OUR_ID):
        response["id"] = call_id
    if scheduling:
        response["scheduling"] = scheduling
    return write({"toolResponse": {"functionResponses": [response]}})


def word_for_word(text: str) -> str:
    """What asks for *text* to be said, as far as a model can be told to."""
    return f"(Say exactly the following words, and nothing before or after them: {text})"


def pressed(digits: str) -> str:
    """What is written for keys, for which the vendor has no message."""
    return f"(The caller pressed {digits} on the keypad.)"


def requests_of(call: Wire, own_ids: Iterable[str]) -> list[ToolRequest]:
    """The calls of a ``toolCall``; those without an id, as Vertex AI makes them, get one of ours.

    Raises KeyError or TypeError for what is no call.
    """
    ids = iter(own_ids)
    return [
        ToolRequest(
            str(each.get("id") or f"{OUR_ID}{next(ids)}"),
            _text(each["name"]),
            json.dumps(each.get("args") or {}, ensure_ascii=False, separators=(",", ":")),
        )
        for each in call["functionCalls"]
    ]


def sound_of(part: Wire) -> bytes:
    """The audio in *part* of the model's turn, empty if it is something else.

    Raises ProviderError for audio of another kind, and ValueError for what is no base64.
    """
    blob = part.get("inlineData")
    if not blob or part.get("thought"):
        return b""
    mime = _text(blob.get("mimeType") or SPEECH_MIME)
    rate = _RATE.search(mime)
    if not mime.startswith("audio/pcm") or (rate and rate[1] != "24000"):
        raise ERRORS.garbled(mime)
    return binascii.a2b_base64(_text(blob["data"]), strict_mode=True)


def ms_of(duration: object) -> int:
    """A duration of protobuf's JSON in milliseconds; 0 for what is none.

    >>> ms_of("9.500s"), ms_of("50s"), ms_of(None)
    (9500, 50000, 0)
    """
    match = _SECONDS.fullmatch(str(duration))
    return round(float(match[1]) * 1_000) if match else 0


def _output(result: str) -> dict[str, Any]:
    """A tool's *result* as an object: the one it wrote, or one that holds it as ``output``."""
    try:
        value = orjson.loads(result)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"output": result or NO_RESULT}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value
