"""Tell Patter what this package offers. Imported only when a spec says ``pocketsphinx``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_pocketsphinx.stt import PocketsphinxSTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> PocketsphinxSTT:
    from patter_pocketsphinx.stt import PocketsphinxSTT

    return spec.build(PocketsphinxSTT)
