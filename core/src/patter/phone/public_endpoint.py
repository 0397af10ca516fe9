"""How carriers reach this process: at a host that is set, or through a tunnel to be opened."""

from __future__ import annotations

from typing import Any

import attrs

from patter.errors import PatterConfigError, PatterError, PatterTypeError
from patter.parts import installed
from patter.plugins.catalogue import DEFAULT
from patter.plugins.kinds import TUNNEL_KIND
from patter.plugins.known import PROVIDERS
from patter.plugins.registry import PluginRegistry
from patter.plugins.spec import ProviderSpec
from patter.providers.tunnel import Tunnel, TunnelTraits

_WAYS = "webhook_url='agent.example.com', or tunnel=True"


@attrs.frozen(kw_only=True)
class PublicEndpoint:
    """*host* is where carriers reach us; empty when *tunnel* gives it once it is open."""

    host: str = ""
    tunnel: Tunnel | None = None

    @property
    def exists(self) -> bool:
        """Is there a host, or a tunnel that will give one?"""
        return bool(self.host) or self.tunnel is not None


@attrs.frozen(kw_only=True)
class Address:
    """Where a phone that serves takes calls.

    *host* is public, without scheme; empty when only this machine can call. *number* was
    pointed at it, unless *problem* says why not. *checked*: it answered from outside.
    """

    host: str = ""
    local_url: str
    number: str = ""
    problem: PatterError | None = None
    checked: bool = False

    @property
    def url(self) -> str:
        """Where calls are taken: the public address, else this machine's."""
        return f"https://{self.host}" if self.host else self.local_url


def host_of(webhook_url: str, what: str = "webhook_url") -> str:
    """The host, and port if any, of *webhook_url*: without scheme and trailing slash.

    Raises PatterConfigError, naming *what*, when more than a host is left.

    >>> host_of("https://a.example.com/")
    'a.example.com'
    """
    scheme, sep, rest = webhook_url.strip().partition("://")
    host = (rest if sep else scheme).rstrip("/")
    wrong = {"/": "a path", "?": "a query", "#": "a fragment", "@": "a user", "\\": "a path"}
    mistakes = [what for mark, what in wrong.items() if mark in host]
    if any(char.isspace() for char in host):
        mistakes.append("a space")
    if sep and scheme.lower() not in ("http", "https", "ws", "wss"):
        mistakes.append(f"the scheme {scheme}")
    if webhook_url and not host:
        mistakes.append("no host")
    if mistakes:
        raise PatterConfigError(
            f"{what} has {mistakes[0]}", fix="give the public host alone: agent.example.com"
        )
    return host


def agreed_host(webhook_url: str, tunnel: Any) -> str:
    """The public host if it is fixed before anything is opened, else empty.

    A tunnel may have a fixed *hostname*. Raises PatterTypeError for what can be no tunnel,
    SpecError, and PatterConfigError when *webhook_url* and *tunnel* are two ways in.
    """
    hostname = _hostname(tunnel)
    wanted = tunnel not in (None, False, "")
    if webhook_url and wanted and hostname != webhook_url:
        raise PatterConfigError(
            "the phone has both webhook_url and tunnel", fix="remove webhook_url, or remove tunnel"
        )
    return webhook_url or hostname


def public_endpoint(registry: PluginRegistry, webhook_url: str, tunnel: Any) -> PublicEndpoint:
    """How carriers reach a phone with this *webhook_url* and *tunnel*, overrides considered.

    Raises PatterConfigError when True names no tunnel, and as `PluginRegistry.resolve` does.
    """
    if without_address(registry):
        return PublicEndpoint()
    resolved = tunnel_of(registry, tunnel)
    if resolved is None:
        return PublicEndpoint(host=webhook_url)
    return PublicEndpoint(host=TunnelTraits.of(resolved).hostname, tunnel=resolved)


def tunnel_of(registry: PluginRegistry, choice: Any) -> Tunnel | None:
    """The tunnel for *choice*: a spec string, an object, True for the installed one.

    Raises PatterConfigError when True names none or several, and as `PluginRegistry.resolve` does.
    """
    chosen = registry.chosen(TUNNEL_KIND, choice)
    if chosen is None or chosen is False or chosen == "":
        return None
    spec = _meant(registry) if chosen is True else chosen
    tunnel: Tunnel = registry.resolve(TUNNEL_KIND, spec)
    return tunnel


def without_address(registry: PluginRegistry) -> bool:
    """Do overrides keep this process from being reached from outside, whatever the phone says?"""
    return registry.chosen(TUNNEL_KIND, ...) is None


def unreachable(carrier: str) -> PatterConfigError:
    """The error for a *carrier* whose calls come from outside, without an address for them."""
    return PatterConfigError(f"{carrier} has no address to send calls to", fix=_WAYS)


def _hostname(tunnel: Any) -> str:
    """The fixed public host of *tunnel*, if it has one. Raises PatterTypeError."""
    if tunnel is None or isinstance(tunnel, bool):
        return ""
    if isinstance(tunnel, str):
        spec = ProviderSpec.parse(tunnel, TUNNEL_KIND.name) if tunnel else None
        return host_of(spec.options.get("hostname", ""), "hostname") if spec else ""
    try:
        TUNNEL_KIND.check(tunnel)
    except PatterError as problem:
        raise PatterTypeError(problem.message, fix=problem.fix) from problem
    return TunnelTraits.of(tunnel).hostname


def _meant(registry: PluginRegistry) -> str:
    """The name of the tunnel that True stands for.

    It is the one whose plugin also offers it as `DEFAULT`, else the only one installed. Raises
    PatterConfigError, ProviderConflict.
    """
    if default := registry.catalogue.default(TUNNEL_KIND):
        return default
    names = installed(registry, TUNNEL_KIND)
    if len(names) == 1:
        return names[0]
    if names:
        raise PatterConfigError(
            f"tunnel=True, and {' and '.join(names)} are installed", fix=f"tunnel={names[0]!r}"
        )
    raise _none_installed()


def _none_installed() -> PatterConfigError:
    tunnel = TUNNEL_KIND.name
    packages = sorted(package for (kind, _), package in PROVIDERS.items() if kind == tunnel)
    package = PROVIDERS.get((tunnel, DEFAULT)) or next(iter(packages), "")
    return PatterConfigError(
        "tunnel=True, and no tunnel is installed",
        fix=f"pip install {package}" if package else "webhook_url='agent.example.com' instead",
    )
