"""What all settings of this package share: the key, the address, and how both are checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from patter.env import credential
from patter.errors import PatterConfigError

BASE_URL = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"


def api_key(value: str | None) -> str:
    """*value*, or the key in the environment. Raises MissingCredential."""
    return credential("OpenAI", "api_key", value, KEY)


def secret_url(value: str) -> str:
    """*value* without its last slash: an address that a key may be sent to.

    Raises PatterConfigError unless it is https, or this machine.

    >>> secret_url("https://eu.api.openai.com/v1/")
    'https://eu.api.openai.com/v1'
    """
    if not _is_safe(value, network=False):
        raise PatterConfigError(
            f"base_url {value!r} is neither https nor on this machine",
            fix=f"leave base_url out, or write it like {BASE_URL}",
        )
    return value.rstrip("/")


def any_url(value: str) -> str:
    """*value* without its last slash: https anywhere, http on this machine and its network.

    >>> any_url("http://192.168.1.5:11434/v1")
    'http://192.168.1.5:11434/v1'
    """
    if not _is_safe(value, network=True):
        raise PatterConfigError(
            f"base_url {value!r} is neither https nor on this network",
            fix="write it like https://host/v1, or http://127.0.0.1:11434/v1",
        )
    return value.rstrip("/")


def host_of(base_url: str) -> str:
    """The host of *base_url*, for what is told of where words go."""
    return urlsplit(base_url).hostname or ""


def socket_url(base_url: str) -> str:
    """The address of sockets at *base_url*.

    >>> socket_url("https://api.openai.com/v1")
    'wss://api.openai.com/v1/realtime'
    """
    return f"ws{base_url.removeprefix('http')}/realtime"


def _is_safe(url: str, *, network: bool) -> bool:
    """Is *url* https, or http to this machine, or to its *network*?"""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and _is_near(parts.hostname or ".", network)


def _is_near(host: str, network: bool) -> bool:
    """Is *host* this machine, or a name or address that only its *network* knows?"""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or (network and "." not in host)
    return address.is_loopback or (network and address.is_private)


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """Texts, or in a spec string one text with commas between them.

    >>> texts("table, bistro"), texts(["a"])
    (('table', 'bistro'), ('a',))
    """
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())
