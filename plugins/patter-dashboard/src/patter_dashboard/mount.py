"""The dashboard in an aiohttp application of one's own.

from aiohttp import web
from patter_dashboard import MetricsStore, mount_dashboard

app = web.Application()
mount_dashboard(app, MetricsStore(), token="...")
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from patter_dashboard._api_documented import DocumentedApi
from patter_dashboard._routes import routes
from patter_dashboard.access import Access
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.documents import StoreDocuments
from patter_dashboard.store import CallsStore, MetricsStore


def mount_dashboard(
    app: web.Application,
    store: CallsStore | None = None,
    token: str = "",
    *,
    root: str | Path | None = None,
) -> Dashboard:
    """Add the pages and API v1 to *app*, which is not served yet; what runs with it is returned.

    API v1 has the calls of *store*; the pages show the records below the log root *root*. Without
    *token* only this machine is answered.
    """
    dashboard = _made(store, token, root)
    app.add_routes(routes(dashboard))
    app.cleanup_ctx.append(_running(dashboard))
    return dashboard


def mount_api(
    app: web.Application,
    store: CallsStore | None = None,
    token: str = "",
    *,
    root: str | Path | None = None,
) -> Dashboard:
    """As `mount_dashboard`, of API v1 and ``/api/dashboard`` alone: without pages."""
    dashboard = _made(store, token, root)
    app.add_routes(DocumentedApi(dashboard).routes())
    app.cleanup_ctx.append(_running(dashboard))
    return dashboard


def _made(store: CallsStore | None, token: str, root: str | Path | None) -> Dashboard:
    dashboard = Dashboard(
        access=Access(token=token),
        root=Path(root) if root is not None else None,
        store=MetricsStore() if store is None else store,
    )
    if store is not None:
        dashboard.documents = StoreDocuments(store)
    return dashboard


def _running(dashboard: Dashboard) -> Any:
    async def context(_: web.Application) -> AsyncIterator[None]:
        async with dashboard.running():
            yield

    return context
