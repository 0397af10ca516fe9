"""What all settings of this package share: where OpenAI is, its key, and how long it may take."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from patter.errors import PatterConfigError

BASE_URL = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"

SILENCES = (0.001, 86_400)
"""The least and the most seconds for which nothing may come."""


def any_url(value: str) -> str:
    """*value* without its last slash: https anywhere, http on this machine and its network.

    >>> any_url("http://192.168.1.5:11434/v1")
    'http://192.168.1.5:11434/v1'
    """
    if not _is_safe(value):
        raise PatterConfigError(
            f"base_url {value!r} is neither https nor on this network",
            fix="write it like https://host/v1, or http://127.0.0.1:11434/v1",
        )
    return value.rstrip("/")


def host_of(base_url: str) -> str:
    """The host of *base_url*, for what is told of where words go."""
    return urlsplit(base_url).hostname or ""


def _is_safe(url: str) -> bool:
    """Is *url* https, or http to this machine or its network?"""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and _is_near(parts.hostname or ".")


def _is_near(host: str) -> bool:
    """Is *host* this machine, or a name or address that only its network knows?"""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return ip.is_loopback or ip.is_private
