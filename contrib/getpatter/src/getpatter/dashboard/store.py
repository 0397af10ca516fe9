"""The store of calls in memory."""

from getpatter.missing import distribution

with distribution("patter-dashboard"):
    from patter_dashboard import MetricsStore

__all__ = ["MetricsStore"]
