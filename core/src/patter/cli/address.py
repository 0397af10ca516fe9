"""Where ``patter serve`` will have calls come in: a host told beforehand, or a tunnel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from patter.public_host import tunnel_of, without_address

if TYPE_CHECKING:
    from patter.client import Patter
    from patter.providers.tunnel import Tunnel


@attrs.frozen
class Address:
    """*host* is empty while nobody knows it: before a tunnel gives one, or for ever."""

    host: str = ""
    tunnel: Tunnel | None = None


def address_of(phone: Patter) -> Address:
    """The public address of *phone*. Raises PatterError when its tunnel cannot be made."""
    if without_address(phone.registry) or _replaced_by_a_line_without_numbers(phone):
        return Address()
    tunnel = tunnel_of(phone.registry, phone.tunnel)
    return Address(phone.webhook_url or str(getattr(tunnel, "hostname", "") or ""), tunnel)


def _replaced_by_a_line_without_numbers(phone: Patter) -> bool:
    """``--carrier softphone``: what the module says of its number's address is not for that."""
    carrier = phone.carrier
    return (
        "carrier" in phone.registry.overrides and carrier is not None and not carrier.can.outbound
    )
