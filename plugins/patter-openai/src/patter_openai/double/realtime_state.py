"""What a conversation is at the vendor: its session, as it is by default, and its items (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.providers.llm import Message, ToolRequest
from patter_openai.double.realtime_rules import ClientError, invalid

FORMATS = {"audio/pcm": PCM16_24K, "audio/pcmu": MULAW_8K, "audio/pcma": ALAW_8K}
INSTRUCTIONS = "Be a helpful and friendly voice. Speak the caller's language."


def default_session(name: str, model: str, expires_at: int) -> dict[str, Any]:
    """The session before its first update, with the vendor's defaults."""
    pcm = {"type": "audio/pcm", "rate": 24_000}
    return {
        "id": name,
        "object": "realtime.session",
        "expires_at": expires_at,
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": INSTRUCTIONS,
        "audio": {
            "input": {
                "format": dict(pcm),
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": dict(pcm), "voice": "alloy", "speed": 1.0},
        },
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "prompt": None,
        "tracing": None,
        "include": None,
    }


_WHOLE = ("format", "turn_detection", "voice", "prompt", "reasoning", "tracing", "transcription")
"""Parts of a session that an update replaces, where others are merged."""


def updated(now: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The session *now* with what *change* has.

    >>> updated({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": None}})
    {'a': {'x': 1, 'y': None}, 'b': 3}
    """
    merged = dict(now)
    for name, value in change.items():
        before = merged.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping) and name not in _WHOLE:
            merged[name] = updated(before, value)
        else:
            merged[name] = value
    return merged


@attrs.define(eq=False)
class SpokenAudio:
    """What there is of an assistant's audio: *ms* of *text*, of which *heard_ms* are left."""

    text: str
    ms_per_letter: float
    ms: float = 0.0

    @property
    def heard(self) -> str:
        """The words in it."""
        return self.text[: int(self.ms / self.ms_per_letter)]


@attrs.define(eq=False)
class Conversation:
    """The items, in order, and the audio of those that were spoken."""

    items: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    audio: dict[str, SpokenAudio] = attrs.field(factory=dict, init=False)
    voices: dict[str, float] = attrs.field(factory=dict, init=False)
    """Milliseconds of the caller's items."""
    _ids: count[int] = attrs.field(factory=lambda: count(1), init=False)

    def new_id(self) -> str:
        return f"item_{next(self._ids):04}"

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return self.items[-1]["id"] if self.items else None

    def add(self, item: Mapping[str, Any], after: str | None = None) -> tuple[dict[str, Any], Any]:
        """Put *item* at the end, or *after* another one; returns it and the id before it."""
        place = len(self.items)
        if after == "root":
            place = 0
        elif after is not None:
            place = self._place(after, "previous_item_id") + 1
        whole = {
            "id": item.get("id") or self.new_id(),
            "object": "realtime.item",
            "status": "completed",
            **item,
        }
        if whole["type"] == "function_call_output":
            self._check_call(whole["call_id"])
        self.items.insert(place, whole)
        return whole, self.items[place - 1]["id"] if place else None

    def get(self, item_id: str) -> dict[str, Any]:
        """The item of that id. Raises ClientError."""
        return self.items[self._place(item_id, "item_id")]

    def delete(self, item_id: str) -> None:
        """Remove an item. Raises ClientError."""
        try:
            del self.items[self._place(item_id, "item_id")]
        except ClientError as error:
            error.code = "item_delete_invalid_item_id"
            raise

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut the audio of an item, and forget its transcript. Raises ClientError."""
        item, audio = self.get(item_id), self.audio.get(item_id)
        if audio is None or not audio.ms or item.get("role") != "assistant":
            raise ClientError(
                "unsupported_content_type", "Only model output audio messages can be truncated"
            )
        if content_index != 0:
            raise invalid("content_index", content_index, "0")
        if end_ms > audio.ms:
            raise ClientError(
                "invalid_value",
                f"Audio content of {audio.ms:.0f}ms is already shorter than {end_ms}ms",
                "audio_end_ms",
            )
        audio.ms = end_ms
        item["content"] = [{"type": "output_audio"}]

    def rows(self) -> Sequence[Message]:
        """The conversation as the model has it: words in audio are words."""
        return [self._row(item) for item in self.items]

    def _row(self, item: Mapping[str, Any]) -> Message:
        match item["type"]:
            case "function_call":
                call = ToolRequest(item["call_id"], item["name"], item["arguments"])
                return Message("assistant", tool_calls=(call,))
            case "function_call_output":
                return Message("tool", item["output"], tool_call_id=item["call_id"])
        if (audio := self.audio.get(item["id"])) is not None:
            return Message("assistant", audio.heard)
        parts = (part.get("text") or part.get("transcript") or "" for part in item["content"])
        return Message(item["role"], "".join(parts))

    def _place(self, item_id: str, param: str) -> int:
        for at, item in enumerate(self.items):
            if item["id"] == item_id:
                return at
        message = f"The item with id '{item_id}' does not exist."
        raise ClientError("item_not_found", message, param)

    def _check_call(self, call_id: str) -> None:
        calls = (item for item in self.items if item["type"] == "function_call")
        if all(item["call_id"] != call_id for item in calls):
            raise ClientError(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' not found in conversation.",
                "item.call_id",
            )


def format_of(session: Mapping[str, Any], way: str) -> AudioFormat:
    """The audio that a session has in that *way*: ``input`` or ``output``."""
    return FORMATS[session["audio"][way]["format"]["type"]]


def text_tokens(text: str) -> int:
    """About how many tokens a text has; the vendor counts likewise in its examples."""
    return (len(text) + 3) // 4
