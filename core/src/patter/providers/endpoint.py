"""Where a provider may be told to find its vendor instead: https, or this machine.

Requests carry credentials, so they go nowhere in clear but to a double next door.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from patter.errors import PatterConfigError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names by which a machine calls itself."""


def endpoint(owner: str, given: str) -> str:
    """The ``api_base`` *given* to *owner*, without its last slash; empty where there is none.

    Raises PatterConfigError where a secret would travel in clear.

    >>> endpoint("Parrot", "https://api.parrot.example/"), endpoint("Parrot", "")
    ('https://api.parrot.example', '')
    """
    parts = urlsplit(given)
    if given and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise PatterConfigError(
            f"{owner}'s api_base {given!r} is neither https nor on this machine",
            fix="leave api_base out, or give an https address",
        )
    return given.rstrip("/")
