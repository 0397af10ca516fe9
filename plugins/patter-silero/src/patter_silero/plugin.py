"""Tell Patter what this package offers. Imported only when a spec says ``silero``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_silero.vad import SileroVAD

PATTER_API = 1


@hookimpl
def patter_vad(spec: ProviderSpec) -> SileroVAD:
    from patter_silero.vad import SileroVAD

    return spec.build(SileroVAD)
