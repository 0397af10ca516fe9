"""Pages about the calls of a Patter server: who is on the phone, how calls went, what they cost."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patter_dashboard.documented import calls_to_csv, calls_to_json
    from patter_dashboard.mount import mount_api, mount_dashboard
    from patter_dashboard.notify import notify_dashboard
    from patter_dashboard.store import CallsStore, MetricsStore

__version__ = "0.1.0"
__all__ = [
    "CallsStore",
    "MetricsStore",
    "calls_to_csv",
    "calls_to_json",
    "mount_api",
    "mount_dashboard",
    "notify_dashboard",
]
_HOMES = {
    "CallsStore": "store",
    "MetricsStore": "store",
    "calls_to_csv": "documented",
    "calls_to_json": "documented",
    "mount_api": "mount",
    "mount_dashboard": "mount",
    "notify_dashboard": "notify",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: a server's start waits for no page."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
