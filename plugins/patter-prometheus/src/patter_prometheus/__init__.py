"""Metrics of calls for Prometheus, with a dashboard and alerts to go with them."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"
__all__ = ["ALERTS", "DASHBOARD"]

_FILES = Path(__file__).parent / "files"
ALERTS = _FILES / "alerts.yml"
"""Alert rules for Prometheus."""
DASHBOARD = _FILES / "grafana.json"
"""A dashboard for Grafana 10 and later."""
