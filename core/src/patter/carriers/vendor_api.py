"""Requests to vendors' APIs: they end in time, are repeated with jitter, and fail alike.

Only what may be asked twice goes through `with_retries`. What a vendor's own codes mean is for
the plugin to say; here is what means the same everywhere.
"""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from patter.clock import Clock
from patter.errors import (
    PatterConnectionError,
    PatterError,
    ProviderError,
    ProvisionError,
    RateLimitError,
)

T = TypeVar("T")
BACKOFF_MS = (200.0, 800.0)
MAX_RETRY_AFTER_MS = 5_000.0
"""A vendor may ask for minutes; nobody on the phone waits longer than this for one request."""

Jitter: TypeAlias = Callable[[], float]
"""A random number from 0 up to 1, such as `random.Random.random`."""


class ApiRefusal(ProvisionError):
    """The vendor will not do it; *vendor_code* is its own code for why, *status* that of HTTP."""

    def __init__(self, message: str, *, fix: str, vendor_code: str = "", status: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.vendor_code, self.status = vendor_code, status


async def with_retries(
    send: Callable[[], Awaitable[T]],
    clock: Clock,
    backoff_ms: Sequence[float] = BACKOFF_MS,
    jitter: Jitter = random.random,
) -> T:
    """The result of *send*, which is repeated after a PatterConnectionError.

    RateLimitError is one, too. *backoff_ms*: the longest pause before each further attempt; a
    pause is at least half of it, so that calls which lose a vendor together do not come back in
    step. A request that got no answer may have been carried out: its error outranks a later
    refusal for the rate of requests.
    """
    unanswered: PatterConnectionError | None = None
    for limit_ms in backoff_ms:
        try:
            return await send()
        except PatterConnectionError as error:
            unanswered = unanswered if isinstance(error, RateLimitError) else error
            await clock.sleep(pause_ms(limit_ms, error, jitter))
    try:
        return await send()
    except RateLimitError as error:
        raise unanswered or error from None


def pause_ms(limit_ms: float, error: PatterConnectionError, jitter: Jitter) -> float:
    """The pause after *error*: half of *limit_ms* to all of it, after what the vendor asks for."""
    asked_for = error.retry_after_ms if isinstance(error, RateLimitError) else 0.0
    return min(asked_for, MAX_RETRY_AFTER_MS) + limit_ms * (1 + jitter()) / 2


def unavailable(
    vendor: str, status: int, reason: str, *, page: str, retry_after_ms: float = 0
) -> PatterError | None:
    """The error of a *vendor* that fails, or takes no more: these may pass.

    None for all other statuses. *page* is where the vendor says how it is.

    >>> getattr(unavailable("Parrot", 503, "", page="status.parrot.example"), "message")
    "Parrot's API failed (HTTP 503)"
    """
    if status == 429:
        return RateLimitError(
            f"{vendor} takes no more requests for now (429): {reason}",
            fix=f"place calls more slowly, or ask {vendor} for a higher limit",
            retry_after_ms=retry_after_ms,
        )
    if status >= 500:
        detail = f": {reason}" if reason and reason != f"HTTP {status}" else ""
        return PatterConnectionError(
            f"{vendor}'s API failed (HTTP {status}){detail}", fix=f"try again; see {page}"
        )
    return None


def unreachable(vendor: str, error: Exception) -> PatterConnectionError:
    """The error of a request that never got an answer from *vendor*."""
    return PatterConnectionError(
        f"{vendor}'s API could not be reached: {type(error).__name__}",
        fix=f"check that this machine can connect to {vendor}'s API",
    )


def unusable(vendor: str, why: str) -> ProviderError:
    """The error of an answer that is not *vendor*'s: a proxy's page, say."""
    return ProviderError(
        f"{vendor}'s API answered with something of no use: {why}",
        fix=f"check that nothing between here and {vendor}'s API answers in its place",
    )


def basic_authorization(user: str, password: str) -> str:
    """The ``Authorization`` header of an account.

    >>> basic_authorization("MA1", "secret")
    'Basic TUExOnNlY3JldA=='
    """
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
