"""Tell Patter what this package offers. Imported only when a spec says ``anthropic``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_anthropic.llm import AnthropicLLM

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> AnthropicLLM:
    from patter_anthropic.llm import AnthropicLLM

    return spec.build(AnthropicLLM)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_anthropic._prices import prices

    return prices()
