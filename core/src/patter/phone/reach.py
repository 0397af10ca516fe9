"""Can an address be reached from outside? Decided by its text; nothing is looked up. Pure."""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_OWN = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})
# These answer any process of a cloud machine with its credentials.
_METADATA = frozenset({"metadata", "metadata.google.internal", "metadata.azure.com"})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def validate_webhook_url(url: str) -> str:
    """Why no carrier can reach *url*; empty when one may.

    Only http and https with a host; no name that a machine or a cloud has for itself; no
    address of an internal network, however it is written: decimal, octal, hexadecimal, short,
    or inside an IPv6 address. Public names are not resolved.

    >>> validate_webhook_url("https://0x7f.1/webhooks")
    '127.0.0.1 is not a public address'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        return f"{url} is not an address: {exc}"
    if parts.scheme not in ("http", "https"):
        return f"{url} is neither http nor https"
    return _doubt(parts) if port != 0 else f"{url} names port 0"


def _doubt(parts: SplitResult) -> str:
    # Resolvers fold case, compatibility characters and a last dot; so must the comparison, or
    # one of them would get a forbidden name past it.
    name = unicodedata.normalize("NFKC", parts.hostname or "").casefold().rstrip(".")
    if not name:
        return f"{parts.geturl()} names no host"
    if name in _OWN or name.endswith(".localhost"):
        return f"{name} is what a machine calls itself"
    if name in _METADATA:
        return f"{name} is the metadata service of a cloud"
    address = literal(name)
    if address is not None and not _public(address):
        return f"{address} is not a public address"
    return ""


def literal(name: str) -> Address | None:
    """The address that *name* is, as the resolvers of operating systems read it; else None."""
    if ":" in name:
        try:
            return ipaddress.IPv6Address(name)
        except ValueError:
            return None
    return _ipv4(name.split("."))


def _ipv4(parts: list[str]) -> ipaddress.IPv4Address | None:
    """One to four numbers of any base; the last fills the bytes that are left."""
    numbers = [_number(part) for part in parts]
    if len(numbers) > 4 or None in numbers:
        return None
    *first, last = (number for number in numbers if number is not None)
    room = 8 * (4 - len(first))
    if any(number > 0xFF for number in first) or last >= 1 << room:
        return None
    value = sum(number << 8 * (3 - place) for place, number in enumerate(first))
    return ipaddress.IPv4Address(value + last)


def _number(text: str) -> int | None:
    """Decimal, octal after a 0, hexadecimal after 0x; None when it is none of them."""
    digits, base = text, 10
    if text[:2] in ("0x", "0X"):
        digits, base = text[2:], 16
    elif text[:1] == "0" and len(text) > 1:
        digits, base = text[1:], 8
    if not digits or not digits.isascii() or not digits.isalnum():
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None


def _public(address: Address) -> bool:
    inner = _inside(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None:
        return _public(inner)
    return address.is_global and not address.is_multicast


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that *address* leads to, if it is written into it."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
