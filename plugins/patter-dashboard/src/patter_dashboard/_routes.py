"""All routes of a dashboard; a more particular path is before one that would fit it, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from aiohttp import web

from patter_dashboard._api_calls import CallsApi
from patter_dashboard._api_documented import DocumentedApi
from patter_dashboard._api_health import HealthApi
from patter_dashboard._api_live import LiveApi
from patter_dashboard._api_session import SessionApi
from patter_dashboard._page import page_routes
from patter_dashboard.dashboard import Dashboard


def routes(dashboard: Dashboard, taken: Collection[str] = ()) -> Iterator[web.RouteDef]:
    """The routes of *dashboard*; its page is not at paths that are *taken*."""
    for api in (SessionApi, CallsApi, LiveApi, HealthApi, DocumentedApi):
        yield from api(dashboard).routes()
    yield from page_routes(dashboard.access, taken)
