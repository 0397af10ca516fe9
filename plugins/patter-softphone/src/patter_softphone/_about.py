"""What the page tells about the agent it calls: its name, its parts, what one might say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

KINDS = ("engine", "stt", "llm", "tts")


@attrs.frozen(kw_only=True)
class About:
    """*agent* as ``module:name``; *parts* as spec strings by kind, *note* how they are used."""

    agent: str = ""
    note: str = ""
    parts: Mapping[str, str] = attrs.field(factory=dict)
    try_saying: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the page reads it."""
        fields = {"agent": self.agent, "note": self.note, "try_saying": list(self.try_saying)}
        return {**fields, "parts": dict(self.parts)}


def about(phone: Any, agent: Any, target: str, note: str = "") -> About:
    """*agent* of *phone*, which was asked for as *target*. Raises AgentError."""
    parts = phone.gathered(agent)
    named = {
        kind: "/".join(filter(None, parts.names[kind])) for kind in KINDS if kind in parts.names
    }
    return About(
        agent=target,
        note=note,
        parts=named,
        try_saying=agent.try_saying or _suggestions(parts.llm, agent),
    )


def _suggestions(llm: Any, agent: Any) -> tuple[str, ...]:
    """A model of rules knows what it understands; no other can say."""
    suggestions = getattr(llm, "suggestions", None)
    return tuple(suggestions(agent.tools)) if callable(suggestions) else ()
