"""Tell Patter what this package offers. Imported only when a spec says ``assemblyai``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_assemblyai.stt import AssemblyAISTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> AssemblyAISTT:
    from patter_assemblyai.stt import AssemblyAISTT

    return spec.build(AssemblyAISTT)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_assemblyai._prices import PRICES

    return PRICES
