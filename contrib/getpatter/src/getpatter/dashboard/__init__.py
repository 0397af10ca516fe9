"""The dashboard's names: those of patter-dashboard."""

from getpatter.missing import distribution

with distribution("patter-dashboard"):
    from patter_dashboard import (
        MetricsStore,
        calls_to_csv,
        calls_to_json,
        mount_api,
        mount_dashboard,
        notify_dashboard,
    )

__all__ = [
    "MetricsStore",
    "calls_to_csv",
    "calls_to_json",
    "mount_api",
    "mount_dashboard",
    "notify_dashboard",
]
