"""Tunnels: a public address for a server on this machine."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from patter.providers.traits import ProviderTraits


@attrs.frozen(kw_only=True)
class TunnelTraits(ProviderTraits):
    """What a tunnel may tell of itself beside `Tunnel`.

    *hostname*: the public host if it is known before opening; `open` then yields the same.
    """

    hostname: str = ""


class Tunnel(Protocol):
    """Settings of a tunnel. What else it may tell is in `TunnelTraits`."""

    def open(self, port: int) -> AbstractAsyncContextManager[str]:
        """Make local *port* reachable; yields the public host, without scheme.

        It answers from outside when it is yielded. Raises PatterError, CONNECTION or TIMEOUT.
        """
        ...
