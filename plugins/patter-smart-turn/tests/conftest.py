"""Networks with the signature of Smart Turn's, small enough to be made for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .tiny import write

Write = Callable[..., Path]


@pytest.fixture
def network(tmp_path: Path) -> Write:
    """Writes a tiny network; the keywords are those of `tiny.write`."""

    def made(name: str = "tiny.onnx", **changes: Any) -> Path:
        return write(tmp_path / name, **changes)

    return made
