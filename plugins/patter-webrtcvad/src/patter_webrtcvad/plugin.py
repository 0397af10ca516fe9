"""Tell Patter what this package offers. Imported only when a spec says ``webrtcvad``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_webrtcvad.vad import WebrtcVAD

PATTER_API = 1


@hookimpl
def patter_vad(spec: ProviderSpec) -> WebrtcVAD:
    from patter_webrtcvad.vad import WebrtcVAD

    return spec.build(WebrtcVAD)
