"""Cerebras' list prices in dollars; a model that is not in here is unknown, and never free.

From api.cerebras.ai/public/v1/models, pay as you go, as quoted in June 2026. What is read from a
cache costs as much as what is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

_MODELS = {"gpt-oss-120b": (0.35, 0.75)}
"""For a million tokens: read and written."""


def prices() -> Iterator[Price]:
    """Every price that is known here."""
    for model, (read, written) in _MODELS.items():
        for unit, usd in (("tokens_in", read), ("tokens_cached", read), ("tokens_out", written)):
            yield Price(kind="llm", provider="cerebras", model=model, unit=unit, usd=usd, per=1e6)
