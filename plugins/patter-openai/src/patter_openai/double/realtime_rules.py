"""What the Realtime API takes: fields by name, values by kind, and how it words a refusal (pure).

Unknown fields are refused by their path, which is how the shape of the beta is noticed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

Fields: TypeAlias = Mapping[str, Any]

ANY: Fields | None = None
"""A value that is not looked into by name."""

MOST_APPEND = 15 << 20
LONGEST_ID = 32
VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo"),
    *("sage", "shimmer", "verse", "marin", "cedar"),
)
REASONING = ("gpt-realtime-2",)
"""Models whose name begins so reason, and take options for it."""

_PROMPT: Fields = {"id": ANY, "version": ANY, "variables": ANY}
_INPUT: Fields = {
    "format": {"type": ANY, "rate": ANY},
    "noise_reduction": {"type": ANY, "strength": ANY},
    "transcription": dict.fromkeys(
        ("model", "language", "languages", "prompt", "keywords", "delay"), ANY
    ),
    "turn_detection": dict.fromkeys(
        (
            *("type", "threshold", "prefix_padding_ms", "silence_duration_ms", "eagerness"),
            *("create_response", "interrupt_response", "idle_timeout_ms"),
        ),
        ANY,
    ),
}
_OUTPUT: Fields = {"format": {"type": ANY, "rate": ANY}, "voice": ANY, "speed": ANY}
_OF_RESPONSE: Fields = {
    "output_modalities": ANY,
    "instructions": ANY,
    "tools": ANY,
    "tool_choice": ANY,
    "max_output_tokens": ANY,
    "parallel_tool_calls": ANY,
    "reasoning": {"effort": ANY},
    "prompt": _PROMPT,
}
SESSION: Fields = {
    **_OF_RESPONSE,
    "type": ANY,
    "model": ANY,
    "audio": {"input": _INPUT, "output": _OUTPUT},
    "truncation": ANY,
    "tracing": ANY,
    "include": ANY,
}
RESPONSE: Fields = {
    **_OF_RESPONSE,
    "audio": {"output": {"format": {"type": ANY, "rate": ANY}, "voice": ANY}},
    "conversation": ANY,
    "input": ANY,
    "metadata": ANY,
}
EVENTS: Mapping[str, Fields] = {
    "session.update": {"session": SESSION},
    "input_audio_buffer.append": {"audio": ANY},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "conversation.item.create": {"item": ANY, "previous_item_id": ANY},
    "conversation.item.retrieve": {"item_id": ANY},
    "conversation.item.delete": {"item_id": ANY},
    "conversation.item.truncate": {"item_id": ANY, "content_index": ANY, "audio_end_ms": ANY},
    "response.create": {"response": RESPONSE},
    "response.cancel": {"response_id": ANY},
    "output_audio_buffer.clear": {},
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "session.update": ("session",),
    "input_audio_buffer.append": ("audio",),
    "conversation.item.create": ("item",),
    "conversation.item.retrieve": ("item_id",),
    "conversation.item.delete": ("item_id",),
    "conversation.item.truncate": ("item_id", "content_index", "audio_end_ms"),
}
ITEMS: Mapping[str, Fields] = {
    "message": dict.fromkeys(("id", "object", "type", "status", "role", "content"), ANY),
    "function_call": dict.fromkeys(
        ("id", "object", "type", "status", "call_id", "name", "arguments"), ANY
    ),
    "function_call_output": dict.fromkeys(
        ("id", "object", "type", "status", "call_id", "output"), ANY
    ),
}
CONTENT: Mapping[str, tuple[str, ...]] = {
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
    "system": ("input_text",),
}


class ClientError(Exception):
    """What the client did wrong, as the vendor's ``error`` event will say it."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def unknown(path: str) -> ClientError:
    """A field that there is none of."""
    return ClientError("unknown_parameter", f"Unknown parameter: '{path}'.", path)


def missing(path: str) -> ClientError:
    """A field that must be there."""
    return ClientError("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def invalid(path: str, value: object, wanted: object) -> ClientError:
    """A value that is none of those *wanted*."""
    message = f"Invalid value: {value!r}. Supported values are: {wanted}."
    return ClientError("invalid_value", message, path)


def check_event(event: Mapping[str, Any]) -> None:
    """Raise ClientError unless *event* is one that the API has, whole and without more."""
    kind = event.get("type")
    if not isinstance(kind, str):
        raise missing("type")
    if kind not in EVENTS:
        raise invalid("type", kind, ", ".join(EVENTS))
    for name in REQUIRED.get(kind, ()):
        if event.get(name) is None:
            raise missing(name)
    check_fields({"type": ANY, "event_id": ANY, **EVENTS[kind]}, event, "")


def check_fields(fields: Fields, value: Mapping[str, Any], path: str) -> None:
    """Raise ClientError for a name in *value*, at any depth, that is not in *fields*."""
    for name, each in value.items():
        here = f"{path}.{name}" if path else name
        if name not in fields:
            raise unknown(here)
        inner = fields[name]
        if inner is not None and isinstance(each, Mapping):
            check_fields(inner, each, here)


@attrs.frozen
class SessionRules:
    """What a session of *model* may be set to; *spoke* once it has been heard."""

    model: str
    spoke: bool = False

    def check(self, session: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Raise ClientError for a change of the session *now* that is not possible."""
        if session.get("type") is None:
            raise missing("session.type")
        if session["type"] != "realtime":
            raise invalid("session.type", session["type"], "'realtime'")
        if session.get("model", self.model) != self.model:
            raise ClientError("cannot_update_model", "The model cannot change.", "session.model")
        if now["tracing"] and session.get("tracing", now["tracing"]) != now["tracing"]:
            raise ClientError(
                "cannot_update_tracing",
                "Tracing cannot be changed once it is on.",
                "session.tracing",
            )
        self.check_response(session, "session")
        audio = session.get("audio") or {}
        self._check_input(audio.get("input") or {})
        self._check_output(audio.get("output") or {}, now)

    def check_response(self, values: Mapping[str, Any], path: str) -> None:
        """Raise ClientError for *values* that a response cannot have either."""
        modalities = values.get("output_modalities")
        if modalities is not None and modalities not in (["audio"], ["text"]):
            raise invalid(f"{path}.output_modalities", modalities, "['text'] and ['audio']")
        tokens = values.get("max_output_tokens", "inf")
        if tokens != "inf" and not (type(tokens) is int and 1 <= tokens <= 4096):
            raise invalid(f"{path}.max_output_tokens", tokens, "integers from 1 to 4096, 'inf'")
        for name in ("reasoning", "parallel_tool_calls"):
            if values.get(name) is not None and not self.model.startswith(REASONING):
                raise ClientError(
                    "invalid_parameter", f"'{self.model}' has no {name}.", f"{path}.{name}"
                )
        _check_tools(values.get("tools") or (), f"{path}.tools")
        _check_choice(values.get("tool_choice"), f"{path}.tool_choice")
        _check_metadata(values.get("metadata") or {}, f"{path}.metadata")

    def _check_input(self, fields: Mapping[str, Any]) -> None:
        path = "session.audio.input"
        _check_format(fields.get("format"), f"{path}.format")
        reduction = (fields.get("noise_reduction") or {}).get("type")
        if reduction not in (None, "near_field", "far_field"):
            raise invalid(f"{path}.noise_reduction.type", reduction, "near_field, far_field")
        if (transcription := fields.get("transcription")) is not None and not transcription.get(
            "model"
        ):
            raise missing(f"{path}.transcription.model")
        if (turns := fields.get("turn_detection")) is not None:
            _check_turns(turns, f"{path}.turn_detection")

    def _check_output(self, fields: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        path = "session.audio.output"
        _check_format(fields.get("format"), f"{path}.format")
        speed = fields.get("speed", 1.0)
        if not 0.25 <= speed <= 1.5:
            raise invalid(f"{path}.speed", speed, "0.25 to 1.5")
        before = now["audio"]["output"]["voice"]
        voice = fields.get("voice", before)
        if isinstance(voice, str) and voice not in VOICES:
            raise invalid(f"{path}.voice", voice, ", ".join(VOICES))
        if voice != before and self.spoke:
            raise ClientError(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                f"{path}.voice",
            )


def check_item(item: Any) -> None:
    """Raise ClientError unless *item* may be put into a conversation."""
    if not isinstance(item, Mapping) or "type" not in item:
        raise missing("item.type")
    if item["type"] not in ITEMS:
        raise invalid("item.type", item["type"], ", ".join(ITEMS))
    check_fields(ITEMS[item["type"]], item, "item")
    if len(str(item.get("id") or "")) > LONGEST_ID:
        raise ClientError("string_above_max_length", "'item.id' is too long.", "item.id")
    needed = {
        "message": ("role", "content"),
        "function_call": ("name", "arguments"),
        "function_call_output": ("call_id", "output"),
    }
    for name in needed[item["type"]]:
        if item.get(name) is None:
            raise missing(f"item.{name}")
    if item["type"] == "message":
        _check_content(item)


def audio_in(event: Mapping[str, Any]) -> bytes:
    """The audio of an append. Raises ClientError."""
    if len(event["audio"]) > MOST_APPEND:
        raise ClientError("string_above_max_length", "'audio' is longer than 15 MiB.", "audio")
    try:
        return base64.b64decode(event["audio"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        message = "Invalid 'audio'. Expected base64-encoded audio bytes."
        raise ClientError("invalid_value", message, "audio") from None


def _check_content(item: Mapping[str, Any]) -> None:
    role = item["role"]
    if role not in CONTENT:
        raise invalid("item.role", role, ", ".join(CONTENT))
    for at, part in enumerate(item["content"]):
        if part.get("type") not in CONTENT[role]:
            raise invalid(f"item.content[{at}].type", part.get("type"), ", ".join(CONTENT[role]))
        if part["type"].endswith("text") and not isinstance(part.get("text"), str):
            raise missing(f"item.content[{at}].text")


def _check_format(format: Mapping[str, Any] | None, path: str) -> None:
    if format is None:
        return
    if format.get("type") not in ("audio/pcm", "audio/pcmu", "audio/pcma"):
        raise invalid(f"{path}.type", format.get("type"), "audio/pcm, audio/pcmu, audio/pcma")
    if format["type"] == "audio/pcm" and format.get("rate") != 24_000:
        raise invalid(f"{path}.rate", format.get("rate"), "24000")


def _check_turns(turns: Mapping[str, Any], path: str) -> None:
    kind = turns.get("type")
    if kind not in ("server_vad", "semantic_vad"):
        raise invalid(f"{path}.type", kind, "server_vad, semantic_vad")
    other = {
        "server_vad": ("eagerness",),
        "semantic_vad": (
            *("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"),
        ),
    }
    for name in other[kind]:
        if turns.get(name) is not None:
            raise unknown(f"{path}.{name}")
    if not 0 <= turns.get("threshold", 0.5) <= 1:
        raise invalid(f"{path}.threshold", turns["threshold"], "0.0 to 1.0")
    if turns.get("eagerness", "auto") not in ("low", "medium", "high", "auto"):
        raise invalid(f"{path}.eagerness", turns["eagerness"], "low, medium, high, auto")


def _check_tools(tools: Any, path: str) -> None:
    for at, tool in enumerate(tools):
        if tool.get("type") != "function":
            raise invalid(f"{path}[{at}].type", tool.get("type"), "'function'")
        if not tool.get("name"):
            raise missing(f"{path}[{at}].name")
        check_fields(
            dict.fromkeys(("type", "name", "description", "parameters"), ANY), tool, f"{path}[{at}]"
        )


def _check_choice(choice: Any, path: str) -> None:
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise invalid(path, choice, "none, auto, required")
    if isinstance(choice, Mapping) and not choice.get("name"):
        raise missing(f"{path}.name")


def _check_metadata(metadata: Mapping[str, Any], path: str) -> None:
    if len(metadata) > 16:
        raise ClientError("object_above_max_properties", f"'{path}' has too many keys.", path)
    for name, value in metadata.items():
        if not isinstance(value, str) or len(name) > 64 or len(value) > 512:
            raise ClientError("string_above_max_length", f"'{path}.{name}' is too long.", path)
