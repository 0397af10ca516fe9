"""Tell Patter what this package offers. Imported only when a spec says ``cartesia``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_cartesia.stt import CartesiaSTT
    from patter_cartesia.tts import CartesiaTTS
    from patter_cartesia.turns_stt import CartesiaTurnsSTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> CartesiaSTT | CartesiaTurnsSTT:
    """Ink: told of pauses as ``cartesia``, finding turns itself as ``cartesia-turns``.

    Both take the model ink-2, so the model cannot choose.
    """
    if spec.provider == "cartesia-turns":
        from patter_cartesia.turns_stt import CartesiaTurnsSTT

        return spec.build(CartesiaTurnsSTT)
    from patter_cartesia.stt import CartesiaSTT

    return spec.build(CartesiaSTT)


@hookimpl
def patter_tts(spec: ProviderSpec) -> CartesiaTTS:
    """Sonic."""
    from patter_cartesia.tts import CartesiaTTS

    return spec.build(CartesiaTTS)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_cartesia._prices import PRICES

    return PRICES
