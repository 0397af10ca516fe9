"""Which address a request counts against. Pure.

The address is the socket's. A forwarding header counts only when the socket belongs to a
configured proxy, and then only the part that this proxy wrote itself, so that no caller
can choose an address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from patter.errors import PatterConfigError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(several: Iterable[str | Network]) -> tuple[Network, ...]:
    """Addresses and networks in CIDR notation. Raises PatterConfigError."""
    try:
        return tuple(ipaddress.ip_network(each) for each in several)
    except ValueError as exc:
        raise PatterConfigError(
            f"trusted_proxies: {exc}", fix="write addresses or networks such as 10.0.0.0/8"
        ) from exc


def client_address(peer: str, forwarded: Iterable[str], trusted: Iterable[Network]) -> str:
    """Return the address whose limits a request counts against; of IPv6 its /64.

    *forwarded* are the values of X-Forwarded-For as received. They are read from the right:
    each trusted proxy appended the address it saw, so the first that is not trusted is the
    client; what stands left of it was written by the client itself.
    """
    nets = tuple(trusted)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and _within(address, nets):
        # Some proxies write "unknown" or an obfuscated name: the proxy itself is responsible.
        if _parsed(hops[-1]) is None:
            break
        address = hops.pop()
    return customer(address)


def is_untrusted_proxy(peer: str, forwarded: list[str], trusted: Iterable[Network]) -> bool:
    """Does *peer* say whom its requests come from, and is not believed?

    Then all who come through it share the limits of one address.
    """
    return bool(forwarded) and client_address(peer, forwarded, trusted) == customer(peer)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _within(address: str, nets: Iterable[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in net for net in nets)


def customer(address: str) -> str:
    """Whose *address* it is, as far as limits are concerned: itself, or of IPv6 its /64."""
    # One customer owns a whole /64: counted one by one, they would have 2^64 addresses.
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed is not None else address
