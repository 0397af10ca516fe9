"""Tell Patter what this package offers. Imported only when a spec names one of its providers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_groq.llm import GroqLLM
    from patter_groq.whisper import GroqWhisperSTT

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> GroqLLM:
    from patter_groq.llm import GroqLLM

    return spec.build(GroqLLM)


@hookimpl
def patter_stt(spec: ProviderSpec) -> GroqWhisperSTT:
    from patter_groq.whisper import GroqWhisperSTT

    return spec.build(GroqWhisperSTT)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_groq._prices import prices

    return prices()
