"""Rime's list price, pay as you go: 0.03 USD for 1,000 characters, whatever the model.

From a reading of rime.ai/pricing in May 2026 (api-evangelist/rime-ai, "plans-pricing"), which has
it as 0.030 USD a minute of about 1,000 characters; Rime's own error reference says that it bills
characters. A name that begins with one of these is priced like it, as all prices are looked up.
"""

from __future__ import annotations

from patter.observe.pricing import Price

USD, PER = 0.030, 1_000
MODELS = ("arcana", "coda", "mist", "mistv2", "mistv3")

PRICES = tuple(
    Price(kind="tts", provider=provider, model=model, unit="characters", usd=USD, per=PER)
    for provider in ("rime", "rime-rest")
    for model in MODELS
)
