"""What requests to vendors' APIs have in common: they end in time, and fail in three ways.

Only what may be asked twice goes through `patiently`. What a vendor's own codes mean is for
the plugin to say; here is what means the same everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from patter.clock import Clock
from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    RateLimitError,
)

T = TypeVar("T")
BACKOFF_MS = (200.0, 800.0)


@asynccontextmanager
async def bounded(within_s: float, message: str, *, fix: str) -> AsyncIterator[None]:
    """Raise PatterTimeoutError with *message* when the body takes longer.

    TimeoutErrors that are the body's own pass through.
    """
    limit = asyncio.timeout(within_s)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise PatterTimeoutError(f"{message} within {within_s:g} s", fix=fix) from error


async def patiently(
    ask: Callable[[], Awaitable[T]], clock: Clock, backoff_ms: Sequence[float] = BACKOFF_MS
) -> T:
    """The answer to *ask*, which is asked again after a PatterConnectionError.

    RateLimitError is one, too. *backoff_ms*: how long to wait before each further attempt.
    """
    for pause_ms in backoff_ms:
        try:
            return await ask()
        except PatterConnectionError:
            await clock.sleep(pause_ms)
    return await ask()


def unavailable(vendor: str, status: int, said: str, *, page: str) -> PatterError | None:
    """The error of an HTTP *status* that is about the vendor, not about what was asked.

    None for all other statuses. *page* is where the vendor says how it is.

    >>> getattr(unavailable("Parrot", 503, "", page="status.parrot.example"), "message")
    "Parrot's API failed (HTTP 503)"
    """
    if status == 429:
        return RateLimitError(
            f"{vendor} takes no more requests for now (429): {said}",
            fix=f"place calls more slowly, or ask {vendor} for a higher limit",
        )
    if status >= 500:
        return PatterConnectionError(
            f"{vendor}'s API failed (HTTP {status})", fix=f"try again; see {page}"
        )
    return None
