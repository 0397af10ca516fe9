"""Tell Patter what this package offers. Imported only when a spec names its provider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_cerebras.llm import CerebrasLLM

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> CerebrasLLM:
    from patter_cerebras.llm import CerebrasLLM

    return spec.build(CerebrasLLM)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_cerebras._prices import prices

    return prices()
