"""Each test has metrics of its own: otherwise they are those of the process."""

from __future__ import annotations

import pytest

from patter_prometheus import serving


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_current", None)
    monkeypatch.delenv("PATTER_METRICS_TOKEN", raising=False)
