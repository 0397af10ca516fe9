"""Where ``patter serve`` will take calls: at a fixed host, or through a tunnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter.phone.public_endpoint import PublicEndpoint, public_endpoint

if TYPE_CHECKING:
    from patter.client import Patter


def address_of(phone: Patter) -> PublicEndpoint:
    """The public endpoint of *phone*. Raises PatterError when its tunnel cannot be made."""
    if _replaced_by_a_line_without_numbers(phone):
        return PublicEndpoint()
    return public_endpoint(phone.registry, phone.webhook_url, phone.tunnel)


def _replaced_by_a_line_without_numbers(phone: Patter) -> bool:
    """Is the carrier replaced, as by ``--carrier softphone``, with one that has no numbers?"""
    carrier, replaced = phone.carrier, "carrier" in phone.registry.overrides
    return replaced and carrier is not None and not carrier.can.outbound
