"""An agent's barge-in strategies: what they must be, and what turn-taking is with them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.call.barge_in_strategies import BargeInStrategy
from patter.errors import indefinite
from patter.parts import AgentResolver

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
                f"{named} in barge_in_strategies is no strategy",
                "give an object with evaluate(*, transcript, is_interim, agent_speaking)",
            )


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
