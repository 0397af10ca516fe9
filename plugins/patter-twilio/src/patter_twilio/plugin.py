"""Tell Patter what this package offers. Imported only when a spec says ``twilio``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_twilio.carrier import Twilio

PATTER_API = 1


@hookimpl
def patter_carrier(spec: ProviderSpec) -> Twilio:
    from patter_twilio.carrier import Twilio

    return spec.build(Twilio)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """Twilio's list price of a call to a US number; one that comes in costs 0.0085.

    From support.twilio.com, "How Volume Pricing works at Twilio", read in November 2026. What
    a call really cost is asked for when it is over.
    """
    from patter.observe.pricing import Price

    return (Price(kind="carrier", provider="twilio", unit="minutes", usd=0.013, step=1),)
