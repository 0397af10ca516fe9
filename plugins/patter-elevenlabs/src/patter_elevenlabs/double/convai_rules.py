"""What the vendor takes from a client in a conversation, and what it refuses (pure)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

FIELDS: Mapping[str, tuple[Mapping[str, type | tuple[type, ...]], frozenset[str]]] = {
    "client_tool_result": (
        {"tool_call_id": str, "result": str, "is_error": bool},
        frozenset({"tool_call_id", "result", "is_error"}),
    ),
    "contextual_update": ({"text": str, "context_id": str}, frozenset({"text"})),
    "conversation_initiation_client_data": (
        {
            "conversation_config_override": dict,
            "custom_llm_extra_body": dict,
            "dynamic_variables": dict,
            "source_info": dict,
            "user_id": str,
        },
        frozenset(),
    ),
    "feedback": ({"event_id": int, "score": str}, frozenset({"event_id", "score"})),
    "pong": ({"event_id": int}, frozenset({"event_id"})),
    "user_activity": ({}, frozenset()),
    "user_message": ({"text": str}, frozenset()),
}
"""The messages there are: their fields by type, and which of them are required."""

OVERRIDES: Mapping[str, type | tuple[type, ...]] = {
    "agent.first_message": str,
    "agent.language": str,
    "agent.prompt.prompt": str,
    "conversation.max_duration_seconds": int,
    "conversation.text_only": bool,
    "tts.model_id": str,
    "tts.similarity_boost": (int, float),
    "tts.speed": (int, float),
    "tts.stability": (int, float),
    "tts.voice_id": str,
}
"""What may be overridden, if the agent allows it."""

MOST_AUDIO_BYTES = 1 << 20


@attrs.frozen
class Refusal(Exception):
    """Why the vendor closes a conversation: its close code, its name for it, its words."""

    code: int
    kind: str
    words: str


def checked(body: Any) -> str:
    """The type of a message that keeps the rules; "audio" for the one without a type.

    Raises Refusal.
    """
    if not isinstance(body, dict):
        raise Refusal(1008, "invalid_message", "a message is a JSON object")
    if "type" not in body:
        return _checked_audio(body)
    kind = body["type"]
    if kind not in FIELDS:
        raise Refusal(1008, "invalid_message", f"unknown message type {kind!r}")
    types, required = FIELDS[kind]
    fields = {name: value for name, value in body.items() if name != "type"}
    if missing := sorted(required - set(fields)):
        raise Refusal(1008, "missing_fields", f"{kind} without {', '.join(missing)}")
    for name, value in fields.items():
        if name not in types:
            raise Refusal(1008, "invalid_message", f"{kind} has no field {name!r}")
        if not _is(value, types[name]):
            raise Refusal(1008, "value_error", f"{name} of {kind} is a {type(value).__name__}")
    return str(kind)


def audio_in(body: Mapping[str, Any]) -> bytes:
    """The audio of a ``user_audio_chunk``."""
    return base64.b64decode(body["user_audio_chunk"])


def check_overrides(tree: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """The overrides of a first message by their dotted names. Raises Refusal."""
    leaves = dict(_leaves(tree))
    for name, value in leaves.items():
        if name not in OVERRIDES:
            raise Refusal(1008, "override_error", f"there is no override {name!r}")
        if not _is(value, OVERRIDES[name]):
            raise Refusal(1008, "override_error", f"override {name!r} has a wrong type")
        if name not in allowed:
            field = name.rpartition(".")[2]
            words = f"Override for field '{field}' is not allowed by config."
            raise Refusal(1008, "override_error", words)
    return leaves


def _checked_audio(body: Mapping[str, Any]) -> str:
    chunk = body.get("user_audio_chunk")
    if set(body) != {"user_audio_chunk"} or not isinstance(chunk, str):
        raise Refusal(1008, "invalid_message", "a message has a type, or is audio and nothing else")
    try:
        audio = base64.b64decode(chunk, validate=True)
    except binascii.Error:
        raise Refusal(1008, "invalid_message", "user_audio_chunk is not base64") from None
    if len(audio) > MOST_AUDIO_BYTES:
        raise Refusal(1008, "invalid_message", "too much audio at once")
    return "audio"


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _is(value: object, wanted: type | tuple[type, ...]) -> bool:
    # True is an int to Python, and a mistake on the wire.
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
