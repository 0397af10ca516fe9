"""Tell Patter what this package offers. Imported only when a spec says ``lmnt``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_lmnt.rest_tts import LMNTRestTTS
    from patter_lmnt.tts import LMNTTTS

PATTER_API = 1


@hookimpl
def patter_tts(spec: ProviderSpec) -> LMNTTTS | LMNTRestTTS:
    """The voice: over a speech session as ``lmnt``, over HTTP as ``lmnt-rest``."""
    if spec.provider == "lmnt-rest":
        from patter_lmnt.rest_tts import LMNTRestTTS

        return spec.build(LMNTRestTTS)
    from patter_lmnt.tts import LMNTTTS

    return spec.build(LMNTTTS)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """LMNT's prices in US dollars, see `patter_lmnt._prices`."""
    from patter_lmnt._prices import PRICES

    return PRICES
