"""Tell Patter what this package offers: a carrier, its page's view of a call, and a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter.plugins.commands import Commands
    from patter.providers.context import CallContext
    from patter_softphone.carrier import SoftphoneCarrier

PATTER_API = 1


@hookimpl
def patter_carrier(spec: ProviderSpec) -> SoftphoneCarrier:
    from patter_softphone.carrier import SoftphoneCarrier

    return spec.build(SoftphoneCarrier)


@hookimpl
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    """Show a softphone's own call on its page; other carriers' calls are not its business."""
    if call.carrier != "softphone":
        return None
    from patter_softphone._screen import screen_of

    return screen_of(call.call_id).listeners()


@hookimpl
def patter_cli(commands: Commands) -> None:
    from patter_softphone.phone import COMMAND

    commands.add(COMMAND)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """There is no telephone line, so nobody bills it."""
    from patter.observe.pricing import Price

    return (Price(kind="carrier", provider="softphone", unit="minutes", usd=0.0),)
