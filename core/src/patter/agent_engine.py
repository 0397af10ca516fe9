"""What an agent says of its engine, whichever that is: turn detection, noise, words before tools.

An engine that has an option of that name has it set; another one is refused with it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from patter.errors import PatterConfigError, PatterTypeError
from patter.parts import AgentResolver

_TYPES = ("server_vad", "semantic_vad")
_EAGERNESS = ("low", "medium", "high", "auto")
_SILENCE_ONLY = ("threshold", "prefix_padding_ms", "silence_duration_ms")


@attrs.frozen(kw_only=True)
class RealtimeTurnDetection:
    """How an engine of OpenAI's finds the end of a turn; None leaves the engine's own value.

    *threshold* (0 to 1), *prefix_padding_ms* and *silence_duration_ms* are ``server_vad``'s,
    *eagerness* (``low``, ``medium``, ``high``, ``auto``) is ``semantic_vad``'s. Raises
    PatterConfigError for another type, and for a field of the other one.
    """

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None

    def __attrs_post_init__(self) -> None:
        if self.type not in _TYPES:
            raise _unknown("type", self.type, _TYPES)
        if self.eagerness is not None and self.eagerness not in _EAGERNESS:
            raise _unknown("eagerness", self.eagerness, _EAGERNESS)
        others = ("eagerness",) if self.type == "server_vad" else _SILENCE_ONLY
        if wrong := [name for name in others if getattr(self, name) is not None]:
            raise PatterConfigError(
                f"{', '.join(wrong)} means nothing to {self.type}",
                fix=f"remove it, or choose the other one of {', '.join(_TYPES)}",
            )

    def options(self) -> Iterator[tuple[str, Any]]:
        """The options of the engine that it stands for, and their values."""
        yield "turn_detection", self.type
        fields = {
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_ms": self.silence_duration_ms,
            "eagerness": self.eagerness,
        }
        yield from ((name, value) for name, value in fields.items() if value is not None)


Detection: TypeAlias = RealtimeTurnDetection | Mapping[str, Any]


def as_detection(value: Detection | None) -> RealtimeTurnDetection | None:
    """*value*; its fields by name are as good."""
    if not isinstance(value, Mapping):
        return value
    fields = attrs.fields_dict(RealtimeTurnDetection)
    if unknown := sorted(set(value) - set(fields)):
        raise PatterConfigError(
            f"realtime_turn_detection has no {', '.join(map(repr, unknown))}",
            fix=f"choose of {', '.join(fields)}",
        )
    return RealtimeTurnDetection(**value)


def engine_options(agent: Any) -> Iterator[tuple[str, Any]]:
    """The options of its engine that *agent* sets, with their values."""
    if isinstance(agent.realtime_turn_detection, RealtimeTurnDetection):
        yield from agent.realtime_turn_detection.options()
    if agent.openai_realtime_noise_reduction is not None:
        yield "noise_reduction", agent.openai_realtime_noise_reduction


def idle_options(agent: Any) -> list[str]:
    """The fields for an engine that *agent*, which has none, sets nevertheless."""
    values = {
        "realtime_turn_detection": agent.realtime_turn_detection is not None,
        "openai_realtime_noise_reduction": agent.openai_realtime_noise_reduction is not None,
        "tool_call_preambles": bool(agent.tool_call_preambles),
    }
    return [name for name, is_set in values.items() if is_set]


def refuse_options(resolver: AgentResolver, agent: Any) -> None:
    """Note what is no turn detection, and no words before tools."""
    detection, words = agent.realtime_turn_detection, agent.tool_call_preambles
    if not isinstance(detection, RealtimeTurnDetection | None):
        resolver.note_type(
            "realtime_turn_detection is not a RealtimeTurnDetection",
            'write realtime_turn_detection={"type": "semantic_vad"}',
        )
    if not isinstance(words, bool | str):
        resolver.note_type("tool_call_preambles is neither", "write True, False, or text")


def _unknown(name: str, value: object, choices: tuple[str, ...]) -> PatterConfigError:
    message = f"{name}={value!r} of realtime_turn_detection means nothing"
    kind = PatterConfigError if isinstance(value, str) else PatterTypeError
    return kind(message, fix=f"choose one of {', '.join(choices)}")
