"""List prices of assemblyai.com/pricing, pay as you go, as of October 2026.

AssemblyAI bills the time a session is open, by the second, and lists it by the hour. Key terms
cost 0.04 an hour more. Of models that are not here no price was found: it is told as unknown.
"""

from __future__ import annotations

from patter.observe.pricing import Price


def _hour(model: str, usd: float) -> Price:
    return Price(kind="stt", provider="assemblyai", model=model, unit="minutes", usd=usd, per=60)


PRICES = (
    _hour("universal-streaming-english", 0.15),
    _hour("universal-streaming-multilingual", 0.15),
    _hour("u3-rt-pro", 0.45),
    _hour("universal-3-6-pro", 0.45),
)
