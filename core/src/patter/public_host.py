"""How carriers reach this process: an address told beforehand, or a tunnel to be opened."""

from __future__ import annotations

from typing import Any

from patter.errors import PatterConfigError
from patter.parts import installed
from patter.plugins.known import PROVIDERS
from patter.plugins.registry import Registry
from patter.providers.tunnel import Tunnel

_WAYS = "webhook_url='agent.example.com', or tunnel=True"


def host_of(webhook_url: str) -> str:
    """The host, and port if any, of *webhook_url*: without scheme and trailing slash.

    Raises PatterConfigError when more than a host is left.

    >>> host_of("https://a.example.com/")
    'a.example.com'
    """
    scheme, sep, rest = webhook_url.strip().partition("://")
    host = (rest if sep else scheme).rstrip("/")
    wrong = {"/": "a path", "?": "a query", "#": "a fragment", "@": "a user", "\\": "a path"}
    found = [what for mark, what in wrong.items() if mark in host]
    if any(char.isspace() for char in host):
        found.append("a space")
    if sep and scheme not in ("http", "https", "ws", "wss"):
        found.append(f"the scheme {scheme}")
    if webhook_url and not host:
        found.append("no host")
    if found:
        raise PatterConfigError(
            f"webhook_url has {found[0]}", fix="give the public host alone: agent.example.com"
        )
    return host


def tunnel_of(registry: Registry, given: Any) -> Tunnel | None:
    """The tunnel for *given*: a spec string, an object, True for the installed one.

    Raises PatterConfigError when True names none or several, and as `Registry.resolve` does.
    """
    chosen = registry.chosen("tunnel", given)
    if chosen is None or chosen is False or chosen == "":
        return None
    spec = _installed(registry) if chosen is True else chosen
    tunnel: Tunnel = registry.resolve("tunnel", spec)
    return tunnel


def without_address(registry: Registry) -> bool:
    """Is this process to be reached from this machine only, whatever the phone says?"""
    return registry.chosen("tunnel", ...) is None


def unreachable(carrier: str) -> PatterConfigError:
    """Calls of *carrier* come from outside, and there is no way in."""
    return PatterConfigError(f"{carrier} has no address to send calls to", fix=_WAYS)


def _installed(registry: Registry) -> str:
    names = installed(registry, "tunnel")
    if len(names) == 1:
        return names[0]
    if names:
        raise PatterConfigError(
            f"tunnel=True, and {' and '.join(names)} are installed", fix=f"tunnel={names[0]!r}"
        )
    known = sorted(package for (kind, _), package in PROVIDERS.items() if kind == "tunnel")
    raise PatterConfigError(
        "tunnel=True, and no tunnel is installed",
        fix=f"pip install {known[0]}" if known else "webhook_url='agent.example.com' instead",
    )
