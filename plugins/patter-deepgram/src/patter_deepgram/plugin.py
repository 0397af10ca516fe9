"""Tell Patter what this package offers. Imported only when a spec says ``deepgram``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_deepgram.flux_stt import DeepgramFluxSTT
    from patter_deepgram.stt import DeepgramSTT
    from patter_deepgram.tts import DeepgramFluxTTS, DeepgramTTS

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> DeepgramSTT | DeepgramFluxSTT:
    from patter_deepgram.flux_stt import DeepgramFluxSTT
    from patter_deepgram.stt import DeepgramSTT

    return spec.build(DeepgramFluxSTT) if _is_flux(spec) else spec.build(DeepgramSTT)


@hookimpl
def patter_tts(spec: ProviderSpec) -> DeepgramTTS | DeepgramFluxTTS:
    from patter_deepgram.tts import DeepgramFluxTTS, DeepgramTTS

    return spec.build(DeepgramFluxTTS) if _is_flux(spec) else spec.build(DeepgramTTS)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_deepgram._prices import PRICES

    return PRICES


def _is_flux(spec: ProviderSpec) -> bool:
    """Flux models have endpoints, options and turns of their own."""
    model = spec.options.get("model", "") if spec.model is None else spec.model
    return model.startswith("flux")
