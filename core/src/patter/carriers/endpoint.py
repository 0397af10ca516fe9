"""Checks an ``api_base``, the address of a vendor's API: https, or this machine.

Requests carry credentials, so plain http is accepted for this machine only: for simulators.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from patter.errors import PatterConfigError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names by which a machine calls itself."""


def endpoint(owner: str, url: str, field: str = "api_base") -> str:
    """The *field* of *owner*, *url*, without its last slash; empty when *url* is empty.

    Raises PatterConfigError where a secret would travel in clear.

    >>> endpoint("Parrot", "https://api.parrot.example/"), endpoint("Parrot", "")
    ('https://api.parrot.example', '')
    """
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in LOOPBACK
    if url and not here and not (parts.scheme == "https" and parts.hostname):
        raise PatterConfigError(
            f"{owner}'s {field} {url!r} is neither https nor on this machine",
            fix=f"leave {field} out, or give an https address",
        )
    return url.rstrip("/")
