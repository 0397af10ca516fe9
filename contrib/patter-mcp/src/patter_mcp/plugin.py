"""Tell Patter what this package offers: sessions with the servers of ``mcp_servers=``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import hookimpl

if TYPE_CHECKING:
    from patter_mcp.sessions import ServerSessions

PATTER_API = 1


@hookimpl
def patter_mcp_sessions() -> ServerSessions:
    from patter_mcp.sessions import ServerSessions

    return ServerSessions()
