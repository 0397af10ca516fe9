"""The Realtime protocol as pure functions: rows, requests and audio to messages, and back.

No sockets, no clocks, no state. Names are those of general availability; the beta of 2024, with
its header and its ``response.audio.delta``, is gone from the vendor and was never here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from patter.errors import PatterError
from patter.providers.engine_events import EngineUsage, ResponseDone, ResponseStatus
from patter.providers.llm import Message, ToolRequest
from patter_openai._errors import ERRORS, reported

Wire: TypeAlias = dict[str, Any]

OWN_ID = "patter"
"""The key of a response's metadata under which our id of it comes back."""


def read(text: str | bytes) -> Wire:
    """One message of the vendor's. Raises ProviderError for what is none."""
    try:
        body = orjson.loads(text)
    except ValueError:
        raise ERRORS.garbled(text) from None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise ERRORS.garbled(text)
    return body


def write(message: Wire) -> str:
    """*message* as it is sent."""
    return orjson.dumps(message).decode()


def append(audio: bytes) -> str:
    """The caller's next audio; it is sent fifty times a second, so it is not built as JSON."""
    written = base64.b64encode(audio).decode()
    return f'{{"type":"input_audio_buffer.append","audio":"{written}"}}'


def item_create(item: Wire, *, after: str = "") -> Wire:
    """A row for the conversation; *after* which other one, if not at its end."""
    place = {"previous_item_id": after} if after else {}
    return {"type": "conversation.item.create", **place, "item": item}


def items_of(rows: Iterable[Message]) -> list[Wire]:
    """The items of earlier *rows*: texts, and calls of tools with their results."""
    return [item for row in rows for item in _items(row)]


def user_item(text: str) -> Wire:
    """What the caller wrote."""
    return {"type": "message", "role": "user", "content": [_text("input_text", text)]}


def assistant_item(text: str) -> Wire:
    """What the agent said, of which there is no audio any more."""
    return {"type": "message", "role": "assistant", "content": [_text("output_text", text)]}


def result_item(tool_call_id: str, result: str) -> Wire:
    """The result of a tool."""
    return {"type": "function_call_output", "call_id": tool_call_id, "output": result}


def response_create(own_id: str, response: Wire) -> Wire:
    """Request *response*, whose events and errors will carry *own_id*."""
    wanted = {**response, "metadata": {OWN_ID: own_id}}
    return {"type": "response.create", "event_id": own_id, "response": wanted}


def in_addition(instructions: str, extra: str) -> Wire:
    """A response with *extra* instructions: those of a response take the session's place."""
    return {"instructions": f"{instructions}\n\n{extra}".strip()} if extra else {}


def word_for_word(text: str) -> Wire:
    """A response that says *text*, as far as a model can be told to."""
    return {
        "instructions": "Say exactly the following words, in their language, and nothing before "
        f"or after them:\n\n{text}",
        "tool_choice": "none",
    }


def usage_of(response: Wire) -> EngineUsage | None:
    """What *response* consumed. Cached tokens are among the input at the vendor, not here."""
    usage = response.get("usage")
    if not usage:
        return None
    taken = usage.get("input_token_details") or {}
    details = usage.get("output_token_details") or {}
    cached = taken.get("cached_tokens_details") or {"text_tokens": taken.get("cached_tokens")}
    cached_text, cached_audio = _count(cached, "text_tokens"), _count(cached, "audio_tokens")
    return EngineUsage(
        input_text_tokens=max(0, _count(taken, "text_tokens") - cached_text),
        input_audio_tokens=max(0, _count(taken, "audio_tokens") - cached_audio),
        cached_text_tokens=cached_text,
        cached_audio_tokens=cached_audio,
        output_text_tokens=_count(details, "text_tokens"),
        output_audio_tokens=_count(details, "audio_tokens"),
    )


def done_of(own_id: str, response: Wire, *, secret: str) -> ResponseDone:
    """How the vendor says that *response* ended; *secret* is in no error."""
    status = ResponseStatus(response["status"])
    details = response.get("status_details") or {}
    problem = details.get("error") or {}
    reason = details.get("reason") or problem.get("code") or problem.get("type") or ""
    error: PatterError | None = None
    if status is ResponseStatus.FAILED:
        error = reported(ERRORS, problem, secret=secret)
    return ResponseDone(own_id, status, usage_of(response), error, str(reason))


def call_of(item: Wire) -> ToolRequest | None:
    """The call in an *item* that is done; None for a message, and for a call cut off."""
    if item.get("type") != "function_call" or item.get("status", "completed") != "completed":
        return None
    return ToolRequest(str(item["call_id"]), str(item["name"]), str(item["arguments"]))


def _items(row: Message) -> list[Wire]:
    if row.role == "tool":
        return [result_item(row.tool_call_id, row.text)]
    items = [_message(row)] if row.text else []
    return items + [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in row.tool_calls
    ]


def _message(row: Message) -> Wire:
    if row.role == "user":
        return user_item(row.text)
    if row.role == "assistant":
        return assistant_item(row.text)
    return {"type": "message", "role": "system", "content": [_text("input_text", row.text)]}


def _text(kind: str, text: str) -> Wire:
    return {"type": kind, "text": text}


def _count(details: Mapping[str, Any], name: str) -> int:
    return int(details.get(name) or 0)
