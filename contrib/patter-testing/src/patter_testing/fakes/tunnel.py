"""A tunnel that leads nowhere, says so, and knows which ports are open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.errors import PatterError
from patter.providers.tunnel import Tunnel


@attrs.frozen(kw_only=True)
class FakeTunnel:
    """Says that *host* leads here; *ports* are those that are open now.

    With *hostname* that is the host, and it is known before opening.
    """

    host: str = "fake.example"
    hostname: str = ""
    refuses: PatterError | None = None
    ports: list[int] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:
        if self.refuses is not None:
            raise self.refuses
        self.ports.append(port)
        try:
            yield self.hostname or self.host
        finally:
            self.ports.remove(port)


if TYPE_CHECKING:
    _: type[Tunnel] = FakeTunnel
