"""Which addresses are the internet's, and which are somebody's own network. Pure.

Whatever a C library would read as an address is read as one, and what carries another address
inside is judged by that one, too.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Clouds answer with credentials here, at addresses that no registry calls private.
METADATA = frozenset(map(ip_address, ("168.63.129.16", "192.0.0.192", "100.100.100.200")))
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def literal(host: str) -> Address | None:
    """The address that *host* is, in any notation; None for a name.

    >>> literal("0x7f.1"), literal("[::1]"), literal("127.0.0.1."), literal("example.com")
    (IPv4Address('127.0.0.1'), IPv6Address('::1'), IPv4Address('127.0.0.1'), None)
    """
    text = host.strip("[]").split("%")[0].rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        # Octal, hexadecimal, one number, fewer than four parts: resolvers read all of them.
        return IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None


def is_public(address: Address) -> bool:
    """Is it a host of the internet, also by what it carries inside?"""
    inner = tuple(_inner(address))
    if inner:
        return all(map(is_public, inner))
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and address not in METADATA
    )


def is_loopback_host(host: str) -> bool:
    """Is *host* this machine alone? A name other than localhost may be anything."""
    address = literal(host)
    return host == "localhost" if address is None else is_loopback(address)


def is_loopback(address: Address) -> bool:
    """Is it this machine itself, also if mapped?"""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def network(text: str) -> Network | None:
    """The network, or the single address, that *text* is; None for a name."""
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _inner(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 one stands for on some network."""
    if isinstance(address, IPv4Address):
        return
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    yield from (each for each in (address.ipv4_mapped, address.sixtofour) if each is not None)
