"""A fake cloudflared on PATH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .programs import Fake, install


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Fake]:
    """Call it with a variant to have that cloudflared, and nothing else, on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return lambda variant: install(tmp_path, variant)
