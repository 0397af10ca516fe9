"""Tell Patter what this package offers. Imported only when a spec says ``soniox``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_soniox.stt import SonioxSTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> SonioxSTT:
    from patter_soniox.stt import SonioxSTT

    return spec.build(SonioxSTT)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_soniox._prices import PRICES

    return PRICES
