"""Tell Patter what this package offers. Imported only when a spec says ``speechmatics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_speechmatics.stt import SpeechmaticsSTT

PATTER_API = 1


@hookimpl
def patter_stt(spec: ProviderSpec) -> SpeechmaticsSTT:
    from patter_speechmatics.stt import SpeechmaticsSTT

    return spec.build(SpeechmaticsSTT)
