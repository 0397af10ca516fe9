"""Tunnels: a public address for a server on this machine."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Tunnel(Protocol):
    """Settings of a tunnel."""

    @property
    def hostname(self) -> str:
        """The public host if it is known before opening, else empty; `open` yields the same.

        An object without this attribute is taken as one that does not know.
        """
        ...

    def open(self, port: int) -> AbstractAsyncContextManager[str]:
        """Make local *port* reachable; yields the public host, without scheme.

        It answers from outside when it is yielded. Raises PatterError, CONNECTION or TIMEOUT.
        """
        ...
