"""Groq's list prices in dollars; a model that is not in here is unknown, and never free.

From groq.com/pricing as quoted in May and June 2026, on demand. What is read from the cache of
prompts costs half. Whisper is billed by the hour of audio, and each file for 10 s at the least,
so that a call of many short answers costs more than its minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

_MODELS = {
    "llama-3.1-8b-instant": (0.05, 0.08),
    "llama-3.3-70b-versatile": (0.59, 0.79),
    "openai/gpt-oss-120b": (0.15, 0.60),
    "openai/gpt-oss-20b": (0.075, 0.30),
}
"""For a million tokens: read and written."""

_CACHED = {"openai/gpt-oss-120b": 0.075, "openai/gpt-oss-20b": 0.0375}
"""For a million tokens from the cache; the others are not cached, as far as is known."""

_RECOGNISERS = {"whisper-large-v3": 0.111, "whisper-large-v3-turbo": 0.04}
"""For an hour."""


def prices() -> Iterator[Price]:
    """Every price that is known here."""
    for model, rates in _MODELS.items():
        for unit, usd in zip(("tokens_in", "tokens_out"), rates, strict=True):
            yield _tokens(model, unit, usd)
    for model, usd in _CACHED.items():
        yield _tokens(model, "tokens_cached", usd)
    for model, usd in _RECOGNISERS.items():
        yield Price(kind="stt", provider="groq", model=model, unit="minutes", usd=usd, per=60)


def _tokens(model: str, unit: str, usd: float) -> Price:
    return Price(kind="llm", provider="groq", model=model, unit=unit, usd=usd, per=1e6)
