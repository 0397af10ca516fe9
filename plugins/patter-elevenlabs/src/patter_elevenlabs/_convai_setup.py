"""What a call tells an agent that is its own: overrides, variables, what was said before (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from patter.providers.context import CallContext
from patter.providers.engine import EngineSetup

NOBODYS_CHOICE = "en"
"""The language of a call for which nobody chose one."""

_RESERVED = "system__"
_SPEAKERS = {"user": "Caller", "assistant": "You", "tool": "Tool result", "system": "Note"}


class Overriding(Protocol):
    """The settings that become overrides."""

    @property
    def override_prompt(self) -> bool: ...
    @property
    def voice(self) -> str: ...
    @property
    def model_id(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def speed(self) -> float | None: ...
    @property
    def stability(self) -> float | None: ...
    @property
    def similarity_boost(self) -> float | None: ...
    @property
    def max_duration_s(self) -> int | None: ...


def overrides(settings: Overriding, setup: EngineSetup) -> dict[str, Any]:
    """The ``conversation_config_override``: nothing in it that was not asked for."""
    chosen = "" if setup.language == NOBODYS_CHOICE else setup.language
    agent = {
        "prompt": {"prompt": prompt(setup)} if settings.override_prompt else None,
        "first_message": setup.greeting,
        "language": settings.language or chosen,
    }
    tts = {
        "voice_id": settings.voice or setup.voice,
        "model_id": settings.model_id,
        "speed": settings.speed,
        "stability": settings.stability,
        "similarity_boost": settings.similarity_boost,
    }
    conversation = {"max_duration_seconds": settings.max_duration_s}
    parts: dict[str, dict[str, Any]]
    parts = {"agent": agent, "tts": tts, "conversation": conversation}
    return _non_empty({name: _non_empty(part) for name, part in parts.items()})


def prompt(setup: EngineSetup) -> str:
    """The instructions, and what was said before: there is no other place for it."""
    return "\n\n".join(part for part in (setup.instructions, written_history(setup)) if part)


def written_history(setup: EngineSetup) -> str:
    """What was said before, a line a row, oldest first; empty for a new conversation."""
    lines = [f"{_SPEAKERS[row.role]}: {row.text}" for row in setup.history if row.text]
    if not lines:
        return ""
    return "\n".join(["This conversation has begun before. Go on from here:", *lines])


def variables(settings: Mapping[str, Any], call: CallContext) -> dict[str, Any]:
    """Variables of the call and of the *settings*, which win; not those that are the vendor's."""
    every = {**call.variables, **settings}
    return {name: value for name, value in every.items() if not name.startswith(_RESERVED)}


def _non_empty(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value not in (None, "", {})}
