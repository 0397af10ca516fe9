"""Tell Patter what this package offers. Imported only when a spec says ``deepfilternet``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_deepfilternet.audio_filter import DeepFilterNetFilter

PATTER_API = 1


@hookimpl
def patter_audio_filter(spec: ProviderSpec) -> DeepFilterNetFilter:
    from patter_deepfilternet.audio_filter import DeepFilterNetFilter

    return spec.build(DeepFilterNetFilter)
