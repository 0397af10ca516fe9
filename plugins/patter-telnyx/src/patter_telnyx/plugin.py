"""Tell Patter what this package offers. Imported only when a spec says ``telnyx``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_telnyx.carrier import Telnyx

PATTER_API = 1


@hookimpl
def patter_carrier(spec: ProviderSpec) -> Telnyx:
    from patter_telnyx.carrier import Telnyx

    return spec.build(Telnyx)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """Telnyx's list price of a call to a US number, as of November 2026.

    0.002 for the Voice API and 0.005 for the line; one that comes in to a local number costs
    0.0055. What a call really cost Telnyx tells after its end.
    """
    from patter.observe.pricing import Price

    return (Price(kind="carrier", provider="telnyx", unit="minutes", usd=0.007, step=1),)
