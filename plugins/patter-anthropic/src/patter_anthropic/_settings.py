"""The key, the address, and lists written as text: how settings are read and checked."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from patter.env import credential
from patter.errors import PatterConfigError

BASE_URL = "https://api.anthropic.com"
KEY = "ANTHROPIC_API_KEY"
_HERE = ("127.0.0.1", "localhost", "::1")


def api_key(value: str | None) -> str:
    """*value*, or the key in the environment. Raises MissingCredential."""
    return credential("AnthropicLLM", "api_key", value, KEY)


def secret_url(value: str) -> str:
    """*value* without its last slash: an address that a key may be sent to.

    Raises PatterConfigError unless it is https, or this machine.

    >>> secret_url("https://gateway.example.com/anthropic/")
    'https://gateway.example.com/anthropic'
    """
    parts = urlsplit(value)
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)):
        raise PatterConfigError(
            f"base_url {value!r} is neither https nor on this machine",
            fix=f"leave base_url out, or write it like {BASE_URL}",
        )
    return value.rstrip("/")


def host_of(base_url: str) -> str:
    """The host of *base_url*, for what is told of where words go."""
    return urlsplit(base_url).hostname or ""


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """Several texts; written as one, they are separated by commas.

    >>> texts("STOP,END"), texts(""), texts(["a,b"])
    (('STOP', 'END'), (), ('a,b',))
    """
    if isinstance(value, str):
        return tuple(each for each in value.split(",") if each)
    return tuple(value)
