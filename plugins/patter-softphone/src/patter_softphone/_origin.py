"""Which browser pages may use a softphone: our own, reached under a name that is ours.

A page elsewhere cannot call from a visitor's browser, and a foreign name that was made to
resolve to this machine does not turn its page into ours.
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL = "localhost"
_OF_PROXIES = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP")


def is_ours(origin: str | None, host: str, public_host: str) -> bool:
    """May a request to *host* with this ``Origin`` be served? Programs send no origin."""
    if not _is_our_name(_name(host), _name(public_host)):
        return False
    if origin is None:
        return True
    _, separator, site = origin.partition("://")
    return bool(separator) and site.lower() == host.lower()


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_our_name(name: str, public_name: str) -> bool:
    if name == LOCAL or (name and name == public_name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_local(peer: str, host: str, headers: Container[str], public_host: str) -> bool:
    """Does a request to *host* come from this machine, of a softphone that nobody else reaches?

    A tunnel's requests come from *peer* 127.0.0.1, too, but with the header of a proxy.
    """
    if any(header in headers for header in _OF_PROXIES):
        return False
    names = (_name(host), _name(public_host) or LOCAL)
    return _is_loopback(peer) and all(map(_is_loopback, names))


def _is_loopback(name: str) -> bool:
    if name == LOCAL:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
