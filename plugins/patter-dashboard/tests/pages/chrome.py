"""The browser that looks at the dashboard's pages."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from patter_testing import chrome
from patter_testing.chrome import CHROMIUM, Tab

__all__ = ["CHROMIUM", "Tab", "browser"]

FLAGS = ("--hide-scrollbars", "--mute-audio", "--force-prefers-reduced-motion")
PATIENCE_S = 20.0


def browser(profile: Path) -> AbstractAsyncContextManager[Tab]:
    """Chromium with one empty page."""
    return chrome.browser(profile, *FLAGS, patience_s=PATIENCE_S)
