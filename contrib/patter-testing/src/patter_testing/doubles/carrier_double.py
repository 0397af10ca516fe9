"""What every vendor's double has: settings that open as a carrier on this machine.

A double that has this can be the far end of `harness`, of `phone`, and of every suite on doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from patter.providers.carrier import Carrier
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.runtime import DoubleRuntime


class CarrierDouble(Protocol):
    """A running double: one account with a vendor, and the calls it has."""

    @property
    def runtime(self) -> DoubleRuntime:
        """Its calls, what sends its webhooks and injects faults, and the requests to its API."""
        ...

    @property
    def account(self) -> str:
        """The account, as its webhooks name it."""
        ...

    def carrier(self, **options: Any) -> Carrier:
        """The settings of an application whose vendor this is; *options* change some."""
        ...

    def reaches(self, base_url: str) -> None:
        """The server under test listens at *base_url*."""
        ...

    def rings(
        self, callee: str = "", caller: str = ..., headers: Mapping[str, str] | None = None
    ) -> DoubleCall:
        """*caller* calls *callee*, or the first number; *headers* are those of a SIP call."""
        ...

    async def dialled(self) -> DoubleCall:
        """The next call that the server places, waiting for one."""
        ...


class Double(Protocol):
    """The settings of a double."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """The account's numbers, in E.164."""
        ...

    @property
    def public_host(self) -> str:
        """The public host of the server under test."""
        ...

    def open(self) -> AbstractAsyncContextManager[CarrierDouble]:
        """Serve the vendor's API while inside; on leaving every call is gone."""
        ...
