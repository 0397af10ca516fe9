"""OpenAI's list prices in dollars; a model that is not in here is unknown, and never free.

From developers.openai.com/api/docs/pricing, standard tier, as quoted there between June and
November 2026. A price also holds for longer names that begin with its model's, so what has
dearer relations of a longer name, ``gpt-5`` for one, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

_MILLION = 1e6
_UNITS = ("tokens_in", "tokens_out", "tokens_cached")
_MODELS = {
    "gpt-4.1": (2.0, 8.0, 0.5),
    "gpt-4.1-mini": (0.4, 1.6, 0.1),
    "gpt-4.1-nano": (0.1, 0.4, 0.025),
    "gpt-4o": (2.5, 10.0, 1.25),
    "gpt-4o-mini": (0.15, 0.6, 0.075),
    "gpt-5-mini": (0.25, 2.0, 0.025),
    "gpt-5-nano": (0.05, 0.4, 0.005),
    "gpt-5.4-mini": (0.75, 4.5, 0.075),
    "gpt-5.4-nano": (0.2, 1.25, 0.02),
    "o4-mini": (1.1, 4.4, 0.275),
}
"""For a million tokens: read, written, read from the cache."""

_RECOGNISERS = {
    "gpt-4o-mini-transcribe": 0.003,
    "gpt-4o-transcribe": 0.006,
    "gpt-realtime-whisper": 0.017,
    "gpt-transcribe": 0.0045,
    "whisper-1": 0.006,
}
"""For a minute; those billed by tokens as OpenAI estimates them."""

_VOICES = {"tts-1": 15.0, "tts-1-hd": 30.0, "gpt-4o-mini-tts": 0.015 / 900 * _MILLION}
"""For a million characters. The last is billed by tokens: 0.015 a minute, as OpenAI estimates, and
a minute has 900 characters."""


_TALK_UNITS = (
    *("tokens_in", "tokens_cached", "tokens_out"),
    *("audio_tokens_in", "audio_tokens_cached", "audio_tokens_out"),
)
_TALKERS = {
    "gpt-realtime-1.5": (4.0, 0.4, 16.0, 32.0, 0.4, 64.0),
    "gpt-realtime-2": (4.0, 0.4, 24.0, 32.0, 0.4, 64.0),
    "gpt-realtime-2025": (4.0, 0.4, 16.0, 32.0, 0.4, 64.0),
    "gpt-realtime-2.1": (4.0, 0.4, 24.0, 32.0, 0.4, 64.0),
    "gpt-realtime-2.1-mini": (0.6, 0.06, 2.4, 10.0, 0.3, 20.0),
    "gpt-realtime-mini": (0.6, 0.06, 2.4, 10.0, 0.3, 20.0),
}
"""For a million tokens of text and of audio, from the models' own pages (developers.openai.com,
/api/docs/models/MODEL.md), read in November 2026. Of ``gpt-realtime-mini`` its successor's page
says that it costs the same. The snapshot of 2025 costs what 1.5 does, as quoted by others. Plain
``gpt-realtime`` is left out: all other names begin with it."""


def prices() -> Iterator[Price]:
    """Every price that is known here. Moderation is free, and no part of a bill."""
    for model, each in _MODELS.items():
        for unit, usd in zip(_UNITS, each, strict=True):
            yield Price(
                kind="llm", provider="openai", model=model, unit=unit, usd=usd, per=_MILLION
            )
    for model, usd in _RECOGNISERS.items():
        for provider in ("openai", "whisper"):
            yield Price(kind="stt", provider=provider, model=model, unit="minutes", usd=usd)
    for model, usd in _VOICES.items():
        yield Price(
            kind="tts", provider="openai", model=model, unit="characters", usd=usd, per=_MILLION
        )
    for model, rates in _TALKERS.items():
        for unit, usd in zip(_TALK_UNITS, rates, strict=True):
            yield Price(
                kind="engine", provider="openai", model=model, unit=unit, usd=usd, per=_MILLION
            )
