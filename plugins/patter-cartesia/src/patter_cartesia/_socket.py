"""How Cartesia is reached: sockets and requests of the kit, with its key and its errors.

The sockets are aiohttp's, from the pool of the process. The vendor's SDK makes a TLS context for
each connection, which blocks the loop, and has no bound on its waits. See the README for figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs

from patter.providers.health import HealthReport
from patter.vendors.requests import checked
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_cartesia._errors import ERRORS, of_answer, of_close, of_handshake

MOST_BYTES = 4 << 20
"""Audio comes in messages of some kilobytes."""


@attrs.frozen(kw_only=True)
class Account:
    """Where the account lives, its key, and the version of the API that is spoken."""

    base_url: str
    version: str
    key: str = attrs.field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What each request says; the key is in no address."""
        return {"Authorization": f"Bearer {self.key}", "Cartesia-Version": self.version}


def connected(
    account: Account, path: str, query: Sequence[tuple[str, str]] = (), goodbye: str = ""
) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket at *path* that is left with *goodbye*.

    Entering raises PatterError as Cartesia answers, or when it does not in time.
    """
    return vendor_socket(
        f"{account.base_url}{path}",
        errors=ERRORS,
        headers=account.headers,
        query=query,
        refused=lambda answer: of_handshake(answer, account.key),
        hung_up=lambda code, reason: of_close(code, reason, account.key),
        goodbye=goodbye,
        most_bytes=MOST_BYTES,
    )


async def check(account: Account, path: str = "/voices?limit=1") -> HealthReport:
    """Ask for what is at *path*, which is free. Raises PatterError for a refusal."""
    return await checked(
        f"{account.base_url}{path}",
        errors=ERRORS,
        headers=account.headers,
        refused=lambda status, body, headers: of_answer(status, body, headers, account.key),
        text=_name,
    )


def _name(body: Any) -> str:
    """The name of a voice; of a list of them, that the key is known."""
    name = body.get("name") if isinstance(body, dict) else None
    return f"speaks as {str(name)[:60]}" if name else "knows the key"
