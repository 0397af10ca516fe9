"""What Cartesia costs, in US dollars, as of November 2026.

docs.cartesia.ai/pricing counts in credits: 1 for a character of Sonic, 3 for a second of Ink 2, 1
for a second of Ink Whisper, silence included. A credit is worth what the smallest paid plan asks
for it (cartesia.ai/pricing: Pro, 5 dollars for 100,000); larger plans ask for a quarter less. A
cloned professional voice costs half as much again, and cannot be told from another by its model.
"""

from __future__ import annotations

from collections.abc import Iterator

from patter.observe.pricing import Price

CREDIT_USD = 5 / 100_000


def _listening() -> Iterator[Price]:
    for provider in ("cartesia", "cartesia-turns"):
        for model, credits_each_second in (("ink-2", 3), ("ink-whisper", 1)):
            usd = 60 * credits_each_second * CREDIT_USD
            yield Price(kind="stt", provider=provider, model=model, unit="minutes", usd=usd)


def _speaking() -> Iterator[Price]:
    for model in ("sonic-3", "sonic-latest"):
        yield Price(
            kind="tts",
            provider="cartesia",
            model=model,
            unit="characters",
            usd=1_000 * CREDIT_USD,
            per=1_000,
        )


PRICES = (*_listening(), *_speaking())
