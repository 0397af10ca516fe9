"""Tell Patter what this package offers. Imported only when a spec says ``pocketsphinx``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_pocketsphinx.stt import PocketsphinxSTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> PocketsphinxSTT:
    from patter_pocketsphinx.stt import PocketsphinxSTT

    return spec.build(PocketsphinxSTT)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """It listens on this machine, so nobody bills it."""
    from patter.observe.pricing import Price

    return (Price(kind="stt", provider="pocketsphinx", unit="minutes", usd=0.0),)
