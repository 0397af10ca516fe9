"""Tell Patter what this package offers. Imported only when a spec says ``google``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_google.engine import GeminiLive
    from patter_google.llm import GoogleLLM

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> GoogleLLM:
    from patter_google.llm import GoogleLLM

    return spec.build(GoogleLLM)


@hookimpl
def patter_engine(spec: ProviderSpec) -> GeminiLive:
    from patter_google.engine import GeminiLive

    return spec.build(GeminiLive)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_google._prices import prices

    return prices()
