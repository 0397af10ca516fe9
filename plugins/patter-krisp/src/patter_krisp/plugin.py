"""Tell Patter what this package offers. Imported only when a spec says ``krisp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_krisp.audio_filter import KrispVivaFilter

PATTER_API = 1


@hookimpl
def patter_audio_filter(spec: ProviderSpec) -> KrispVivaFilter:
    from patter_krisp.audio_filter import KrispVivaFilter

    return spec.build(KrispVivaFilter)
