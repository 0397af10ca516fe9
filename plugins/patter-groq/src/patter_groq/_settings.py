"""What all settings of this package share: where Groq is, its key, and how long it may take."""

from __future__ import annotations

from urllib.parse import urlsplit

BASE_URL = "https://api.groq.com/openai/v1"
KEY = "GROQ_API_KEY"

SILENCES = (0.001, 600)
"""The least and the most seconds for which nothing may come."""


def host_of(base_url: str) -> str:
    """The host of *base_url*, for what is told of where words go."""
    return urlsplit(base_url).hostname or ""
