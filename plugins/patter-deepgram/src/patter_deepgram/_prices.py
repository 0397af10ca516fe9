"""List prices of deepgram.com/pricing, pay as you go, as of November 2026.

Nova 3 is priced for one language; of several it costs 0.0058. What was not found, such as the
voices of Flux, is not here: an unknown price is told as unknown.
"""

from __future__ import annotations

from patter.observe.pricing import Price


def _minute(model: str, usd: float) -> Price:
    return Price(kind="stt", provider="deepgram", model=model, unit="minutes", usd=usd)


def _letters(model: str, usd: float) -> Price:
    return Price(
        kind="tts", provider="deepgram", model=model, unit="characters", usd=usd, per=1_000
    )


PRICES = (
    _minute("nova-3", 0.0048),
    _minute("flux-general-en", 0.0065),
    _minute("flux-general-multi", 0.0078),
    _letters("aura-2", 0.030),
    _letters("aura", 0.015),
)
