"""List prices of real-time transcription at soniox.com, as of November 2026: $0.12 an hour.

An hour is of the open stream, silence included. Soniox counts in tokens of audio and text, and
names this as what an hour of speech comes to; a long context costs more. Endpoints, languages and
speakers are included. Models that are not here, later ones above all, have no known price.
"""

from __future__ import annotations

from patter.observe.pricing import Price

PRICES = tuple(
    Price(kind="stt", provider="soniox", model=model, unit="minutes", usd=0.12, per=60)
    for model in ("stt-rt-v4", "stt-rt-v5")
)
