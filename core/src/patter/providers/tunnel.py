"""Tunnels: a public address for a server on this machine."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Tunnel(Protocol):
    """Settings of a tunnel."""

    def open(self, port: int) -> AbstractAsyncContextManager[str]:
        """Make local *port* reachable; yields the public host, without scheme.

        It answers from outside when it is yielded. Raises PatterError, CONNECTION or TIMEOUT.
        """
        ...
