"""How the calls of an agent take turns, by its fields, its engine and its strategies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from patter.call.barge_in_strategies import BargeInStrategy
from patter.errors import indefinite
from patter.parts import AgentResolver

_RULES = {
    "barge_in_threshold_ms": "barge_in_threshold_ms",
    "barge_in_mode": "barge_in_mode",
    "barge_in_confirm_ms": "barge_in_confirm_ms",
    "barge_in_min_words": "barge_in_min_words",
    "silence_ms": "silence_ms",
    "speak_after_ms": "speak_after_ms",
    "preemptive_generation": "speculate",
    "preemptive_min_stable_ms": "preemptive_min_stable_ms",
    "max_semantic_hold_ms": "max_hold_ms",
    "idle_ms": "idle_ms",
    "max_call_ms": "call_max_ms",
}


PROGRESS_MS = 8_000
"""How long after one word that it takes a moment the caller hears the next."""


ENGINE_RULES: Mapping[str, Any] = MappingProxyType(
    {"max_hold_ms": 3_000, "barge_in_confirm_ms": 600}
)
"""Unless the agent says otherwise: the vendor ends turns, and its words come late or never.

So a pause that it does not end is given long, and an answer that a short voice held goes on soon.
"""
ENGINE_FIXED: Mapping[str, Any] = MappingProxyType(
    {"needs_words": False, "barge_in_mode": "cancel", "speak_after_ms": 0, "speculate": False}
)
"""Turns begin without words, a voice alone is the evidence, and the vendor has waited already.

No answer is drafted: the vendor alone makes them.
"""

CONFIRM_MS = 1_500
"""How long a held agent waits for a verdict: a recogniser's words come that late."""


def as_strategies(value: Iterable[BargeInStrategy] | None) -> tuple[BargeInStrategy, ...]:
    """The strategies as a tuple; what is no list is refused later."""
    kept: Any = () if value is None else tuple(value) if isinstance(value, list) else value
    return kept  # type: ignore[no-any-return]


def refuse_strategies(resolver: AgentResolver, strategies: Any) -> None:
    """Note what is no strategy."""
    if not isinstance(strategies, tuple):
        resolver.note_type(
            f"barge_in_strategies is {indefinite(type(strategies).__name__)}, not a list",
            "write barge_in_strategies=[MinWordsStrategy(3)]",
        )
        return
    for each in strategies:
        if isinstance(each, type) or not callable(getattr(each, "evaluate", None)):
            named = each.__name__ if isinstance(each, type) else type(each).__name__
            resolver.note_type(
                f"{named} in barge_in_strategies is not a strategy",
                "give an object with evaluate(*, transcript, is_interim, agent_speaking)",
            )


def rules_of(agent: Any, *, engine: bool) -> dict[str, Any]:
    """The `TurnRules` that *agent* itself chooses, with an *engine* or without one."""
    values = {rule: getattr(agent, field) for field, rule in _RULES.items()}
    chosen = {rule: value for rule, value in values.items() if value is not None}
    if engine:
        chosen = {**ENGINE_RULES, **chosen, **ENGINE_FIXED}
    if agent.barge_in_threshold_ms == 0:
        # No voice is listened to, so none pauses the agent either.
        chosen["barge_in_mode"] = "cancel"
    elif agent.barge_in_strategies:
        chosen.update(judged_by_strategies(agent.barge_in_confirm_ms))
    filler_ms = round(agent.long_turn_message_after_s * 1_000)
    progress_ms = PROGRESS_MS if filler_ms else 0
    return {
        **chosen,
        "language": agent.language,
        "filler_ms": filler_ms,
        "progress_ms": progress_ms,
    }


def judged_by_strategies(confirm_ms: int | None) -> Mapping[str, Any]:
    """Rules under which a voice holds the agent, and neither it nor words cut what is said.

    Without a verdict within *confirm_ms* the agent goes on.
    """
    wait_ms = CONFIRM_MS if confirm_ms is None else confirm_ms
    return {
        "barge_in_mode": "pause_resume",
        "barge_in_min_words": 0,
        "barge_in_confirm_ms": wait_ms,
        "barge_in_hold_ms": wait_ms,
    }
