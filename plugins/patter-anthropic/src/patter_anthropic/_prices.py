"""List prices of Anthropic's models, in dollars for a million tokens.

From platform.claude.com/docs/en/about-claude/pricing, as published in October 2026. A cache is
written for five minutes here; for an hour it costs twice the input. Prompts of over 100,000
tokens, which Haiku 5.5 charges more for, do not come from telephone calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

_UNITS = ("tokens_in", "tokens_out", "tokens_cached", "tokens_cache_written")
_DOLLARS = {
    "claude-fable-5": (10, 50, 1, 12.5),
    "claude-fable-5-1": (10, 50, 0.25, 12.5),
    "claude-mythos-5": (10, 50, 1, 12.5),
    "claude-mythos-5-1": (10, 50, 0.25, 12.5),
    "claude-opus-4-5": (5, 25, 0.5, 6.25),
    "claude-opus-4-6": (5, 25, 0.5, 6.25),
    "claude-opus-4-7": (5, 25, 0.5, 6.25),
    "claude-opus-4-8": (5, 25, 0.5, 6.25),
    "claude-opus-5": (5, 25, 0.5, 6.25),
    "claude-opus-5-5": (4, 20, 0.2, 5),
    "claude-sonnet-4-5": (3, 15, 0.3, 3.75),
    "claude-sonnet-4-6": (3, 15, 0.3, 3.75),
    "claude-sonnet-5": (2, 10, 0.2, 2.5),
    "claude-sonnet-5-5": (2, 10, 0.1, 2.5),
    "claude-haiku-4-5": (1, 5, 0.1, 1.25),
    "claude-haiku-5-5": (0.1, 0.5, 0.01, 0.125),
}


def prices() -> Iterator[Price]:
    """What is known; a model that is not here has no known price."""
    for model, dollars in _DOLLARS.items():
        for unit, usd in zip(_UNITS, dollars, strict=True):
            yield Price(kind="llm", provider="anthropic", model=model, unit=unit, usd=usd, per=1e6)
