"""Tell Patter what this package offers: the carrier Plivo, and what it charges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_plivo.carrier import Plivo

PATTER_API = 1


@hookimpl
def patter_carrier(spec: ProviderSpec) -> Plivo:
    from patter_plivo.carrier import Plivo

    return spec.build(Plivo)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """What a minute costs until Plivo tells the price of the call itself."""
    from patter.observe.pricing import Price

    # The list price of a US local number in the example of docs.plivo.com/docs/account/api/pricing
    # (read in November 2026): 0.0085 in, 0.0075 out. A price has no direction: the dearer stands.
    return (Price(kind="carrier", provider="plivo", unit="minutes", usd=0.0085, step=1),)
