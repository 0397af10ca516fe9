"""OpenAI's realtime engine, with its arguments by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-openai"):
    from patter_openai import OpenAIRealtime as _OpenAIRealtime

__all__ = ["OpenAIRealtime", "Realtime"]

PREVIEW = "gpt-4o-mini-realtime-preview"
"""The model that the documents name. OpenAI has replaced it; the name is kept for who needs it."""
MODEL = "gpt-realtime-mini"


class OpenAIRealtime(_OpenAIRealtime):
    """Speech to speech. An empty *api_key* is OPENAI_API_KEY's; None leaves an option as it is."""

    def __init__(
        self, api_key: str | None = "", voice: str = "alloy", model: str = MODEL, **options: Any
    ) -> None:
        super().__init__(**plain(options, api_key=api_key, voice=voice, model=model))


Realtime = OpenAIRealtime
