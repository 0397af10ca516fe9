"""What a request costs the address it came from, until a carrier's signature proves it.

The server counts requests per address and serves each inside `charging`. A busy line has
hundreds of webhooks a second from one address; only those that nobody signed are limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class RequestCharge(Protocol):
    """One request's part of the limits of its address."""

    @property
    def address(self) -> object:
        """What stands for the address: the same object for its requests of the same time."""
        ...

    def refund(self) -> None:
        """Charge nothing for the request; twice is fine."""
        ...


_current: ContextVar[RequestCharge | None] = ContextVar("patter_request_charge", default=None)


@contextmanager
def charging(charge: RequestCharge) -> Iterator[None]:
    """Serve a request inside; a `refund` there is one of *charge*."""
    before = _current.set(charge)
    try:
        yield
    finally:
        _current.reset(before)


def payer() -> object | None:
    """What stands for the address that the request being served counts against, if one does."""
    charge = _current.get()
    return None if charge is None else charge.address


def refund() -> None:
    """Charge nothing for the request being served: its signature was verified, and is new."""
    if (charge := _current.get()) is not None:
        charge.refund()
