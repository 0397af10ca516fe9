"""Tell Patter what this package offers. Imported only when a spec says ``rime``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_rime.rest_tts import RimeRestTTS
    from patter_rime.tts import RimeTTS

PATTER_API = 1

_OWN_NAMES = {"voice": "speaker", "language": "lang"}


@hookimpl
def patter_tts(spec: ProviderSpec) -> RimeTTS | RimeRestTTS:
    """The voice: over a WebSocket as ``rime``, over HTTP as ``rime-rest``."""
    if spec.provider == "rime-rest":
        from patter_rime.rest_tts import RimeRestTTS

        return _renamed(spec).build(RimeRestTTS)
    from patter_rime.tts import RimeTTS

    return _renamed(spec).build(RimeTTS)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """What 1,000 characters cost."""
    from patter_rime._prices import PRICES

    return PRICES


def _renamed(spec: ProviderSpec) -> ProviderSpec:
    """*spec* with the options that every voice has under the names that Rime gives them."""
    import attrs

    options = dict(spec.options)
    for name, own in _OWN_NAMES.items():
        if name in options:
            options.setdefault(own, options.pop(name))
    return attrs.evolve(spec, options=options)
