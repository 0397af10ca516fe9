"""The browser that calls from the softphone's page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from patter_testing import chrome
from patter_testing.chrome import CHROMIUM, Tab

__all__ = ["CHROMIUM", "READY", "Tab", "browser"]

FLAGS = ("--use-fake-device-for-media-stream", "--window-size=1000,900")
ALLOWED = "--use-fake-ui-for-media-stream"
READY = "document.querySelector('#pad button')"
"""The page's scripts have run."""


def problem(method: str, params: Mapping[str, Any]) -> object:
    """Exceptions, and what its policy refuses; a server that is away is no mistake of the page."""
    if method == "Log.entryAdded":
        return params["entry"]["source"] == "security" and params["entry"]["text"]
    return params["exceptionDetails"] if method == "Runtime.exceptionThrown" else None


@asynccontextmanager
async def browser(url: str, profile: Path, microphone: Path | None = None) -> AsyncIterator[Tab]:
    """Chromium showing *url*, hearing *microphone* over and over, or denied one."""
    hears = (ALLOWED, f"--use-file-for-fake-audio-capture={microphone}") if microphone else ()
    async with chrome.browser(profile, *FLAGS, *hears, problem=problem) as tab:
        await tab.load("Page.navigate", READY, url=url)
        yield tab
