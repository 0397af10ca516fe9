"""Tell Patter what this package offers. Imported only when a spec says ``rnnoise``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_rnnoise.audio_filter import RNNoiseFilter

PATTER_API = 1


@hookimpl
def patter_audio_filter(spec: ProviderSpec) -> RNNoiseFilter:
    from patter_rnnoise.audio_filter import RNNoiseFilter

    return spec.build(RNNoiseFilter)
