"""Tell Patter what this package offers. Imported only when a spec says ``cloudflare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_cloudflare.tunnel import CloudflareTunnel

PATTER_API = 1


@hookimpl
def patter_tunnel(spec: ProviderSpec) -> CloudflareTunnel:
    from patter_cloudflare.tunnel import CloudflareTunnel

    return spec.build(CloudflareTunnel)
