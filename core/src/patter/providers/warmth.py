"""Getting ready before a caller waits: imports, clients and connections.

Optional for every kind: what has no `warm` pays for it in its first call.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, runtime_checkable

log = logging.getLogger("patter.providers")
WARM_S = 10.0
"""What takes longer is left: the call pays for it."""


@runtime_checkable
class Warmable(Protocol):
    """Settings of a provider that can get ready."""

    async def warm(self) -> None:
        """Import what a call will need, and open a connection where one can be kept.

        It is awaited when `serve` has its port, and each time a phone rings, inside the client
        pool (`patter.client_pool`). It costs nothing at the vendor and does not block the loop:
        an import takes place in a thread. Done already, it returns at once. What it raises is
        logged, and never fails a call.
        """
        ...


async def warmed(provider: object) -> None:
    """Have *provider* get ready, if it can; nothing is raised."""
    if not isinstance(provider, Warmable):
        return
    try:
        async with asyncio.timeout(WARM_S):
            await provider.warm()
    except Exception as failed:
        log.warning("%s is not ready before the first call: %s", type(provider).__name__, failed)
