"""Whom an application's own requests may reach: the internet, and what was allowed beyond it.

A model, and so a caller, has a say in what is requested. What is not on the internet is therefore
refused: this machine, its network, and the services of a cloud that hand out credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import attrs

from patter import env
from patter.egress.addresses import Address, Network, is_loopback, is_public, literal, network
from patter.errors import EgressError

ALLOW = "PATTER_EGRESS_ALLOW"
HTTP, WEBSOCKET = ("http", "https"), ("ws", "wss")
# Refused before anybody resolves them, so that the mistake is seen when an agent is made.
_INSIDE = ("localhost", "localdomain", "internal", "ip6-localhost", "ip6-loopback", "metadata")


@attrs.frozen
class EgressPolicy:
    """Allows the internet, and *names* and *networks* besides."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    allow_loopback: bool = False

    @classmethod
    def of(cls, allowed: Iterable[str] = (), *, allow_loopback: bool = False) -> EgressPolicy:
        """Allow *allowed*, host names, addresses and networks, and those of PATTER_EGRESS_ALLOW."""
        every = [*allowed, *env.read(ALLOW).split(",")]
        entries = [entry.strip().lower().rstrip(".") for entry in every if entry.strip()]
        networks = {entry: network(entry) for entry in entries}
        return cls(
            frozenset(entry for entry, each in networks.items() if each is None),
            tuple(each for each in networks.values() if each is not None),
            allow_loopback,
        )

    def check_url(self, url: object, schemes: Iterable[str] = HTTP) -> str:
        """*url*, if nothing but its name's addresses can be wrong. Raises EgressError."""
        try:
            parts = urlsplit(str(url))
            scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
        except ValueError:
            scheme, host, parts = "", "", urlsplit("")
        shown = str(url)[:80]
        if scheme not in schemes or not host or any(each <= " " for each in str(url)):
            raise EgressError(
                f"{shown!r} is not the address of a web service",
                fix=f"write {' or '.join(f'{each}://HOST/PATH' for each in schemes)}",
            )
        if parts.username is not None or parts.password is not None:
            raise EgressError(
                f"the address of {host} has a password in it",
                fix="leave it out; the service knows us by the X-Patter-Signature header",
            )
        self.check_host(host)
        return str(url)

    def check_host(self, host: str) -> None:
        """Raise EgressError for a *host* that needs no resolving to be refused."""
        name = host.lower().rstrip(".")
        address = literal(name)
        if address is not None:
            self.check(name, address)
        elif not (name in self.names or self._is_own(name)) and name.split(".")[-1] in _INSIDE:
            raise self._refused(name)

    def check(self, host: str, address: Address) -> None:
        """Raise EgressError unless *host* may be reached at *address*."""
        allowed = (
            host.lower().rstrip(".") in self.names
            or any(address in each for each in self.networks)
            or (self.allow_loopback and is_loopback(address))
            or is_public(address)
        )
        if not allowed:
            raise self._refused(host)

    def _is_own(self, name: str) -> bool:
        return name.split(".")[-1] in ("localhost", "ip6-localhost", "ip6-loopback") and (
            self.allow_loopback or any(each.is_loopback for each in self.networks)
        )

    def _refused(self, host: str) -> EgressError:
        return EgressError(
            f"{host[:80]} is not on the internet, and not allowed",
            fix=f"if it is yours, export {ALLOW}={host[:80]}, or its address or network",
        )
