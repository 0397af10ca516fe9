"""Tell Patter what this package offers. Imported only when a spec says ``espeak``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_espeak.tts import EspeakTTS

PATTER_API = 1


@hookimpl
def patter_tts(spec: ProviderSpec) -> EspeakTTS:
    from patter_espeak.tts import EspeakTTS

    return spec.build(EspeakTTS)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """It speaks on this machine, so nobody bills it."""
    from patter.observe.pricing import Price

    return (Price(kind="tts", provider="espeak", unit="characters", usd=0.0),)
