"""What the tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .records import CallShelf, Site, served


@pytest.fixture
def shelf(tmp_path: Path) -> CallShelf:
    """An empty log root."""
    root = tmp_path / "log"
    root.mkdir(mode=0o700)
    return CallShelf(root)


@pytest.fixture
async def site(shelf: CallShelf) -> AsyncIterator[Site]:
    """A dashboard over it, open to this machine."""
    async with served(shelf.root) as site:
        yield site
