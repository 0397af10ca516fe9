"""Tell Patter what this package offers. Imported only when a spec says ``ngrok``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_ngrok.tunnel import Ngrok

PATTER_API = 1


@hookimpl
def patter_tunnel(spec: ProviderSpec) -> Ngrok:
    from patter_ngrok.tunnel import Ngrok

    return spec.build(Ngrok)
