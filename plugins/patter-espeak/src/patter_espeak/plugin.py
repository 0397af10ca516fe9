"""Tell Patter what this package offers. Imported only when a spec says ``espeak``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_espeak.tts import EspeakTTS

PATTER_API = 1


@hookimpl
def patter_tts(spec: ProviderSpec) -> EspeakTTS:
    from patter_espeak.tts import EspeakTTS

    return spec.build(EspeakTTS)
