"""List prices of Gemini models, in dollars for a million tokens.

From ai.google.dev/gemini-api/docs/pricing, paid tier, as published between May and November 2026.
Thoughts cost what words do. Prompts of over 200,000 tokens, which the Pro models charge more
for, do not come from telephone calls; what it costs to store a cache is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

_UNITS = ("tokens_in", "tokens_out", "tokens_cached")
_DOLLARS = {
    "gemini-2.5-flash": (0.3, 2.5, 0.03),
    "gemini-2.5-flash-lite": (0.1, 0.4, 0.01),
    "gemini-2.5-pro": (1.25, 10, 0.125),
    "gemini-3-flash": (0.5, 3, 0.05),
    "gemini-3.1-flash-lite": (0.25, 1.5, 0.025),
    "gemini-3.1-pro": (2, 12, 0.2),
    "gemini-3.5-flash": (1.5, 9, 0.15),
}

_LIVE_UNITS = ("tokens_in", "tokens_out", "audio_tokens_in", "audio_tokens_out")
_LIVE_DOLLARS = {
    "gemini-2.5-flash-native-audio": (0.5, 2, 3, 12),
    "gemini-live-2.5-flash-native-audio": (0.5, 2, 3, 12),
    "gemini-3.1-flash-live": (0.75, 4.5, 3, 12),
    "gemini-3.8-live": (0.75, 4.5, 3, 12),
}
"""Of sessions, text and audio apart; thoughts are text. Each turn reads the whole context again. As
quoted of that page, and of Vertex AI's, between March and November 2026. Live models cache nothing
that is told."""


def prices() -> Iterator[Price]:
    """What is known; a model that is not here has no known price."""
    for model, each in _LIVE_DOLLARS.items():
        for unit, usd in zip(_LIVE_UNITS, each, strict=True):
            yield Price(kind="engine", provider="google", model=model, unit=unit, usd=usd, per=1e6)
    for model, dollars in _DOLLARS.items():
        for unit, usd in zip(_UNITS, dollars, strict=True):
            yield Price(kind="llm", provider="google", model=model, unit=unit, usd=usd, per=1e6)
