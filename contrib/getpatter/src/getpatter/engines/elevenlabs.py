"""ElevenLabs' agents, with their arguments by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-elevenlabs"):
    from patter_elevenlabs import ElevenLabsConvAI as _ElevenLabsConvAI

__all__ = ["ConvAI", "ElevenLabsConvAI"]


class ElevenLabsConvAI(_ElevenLabsConvAI):
    """An agent kept at ElevenLabs; without a *voice* it has its own.

    Empty arguments are those of ELEVENLABS_API_KEY and ELEVENLABS_AGENT_ID.
    """

    def __init__(
        self, api_key: str | None = "", agent_id: str | None = "", voice: str = "", **options: Any
    ) -> None:
        super().__init__(**plain(options, api_key=api_key, agent_id=agent_id, voice=voice))


ConvAI = ElevenLabsConvAI
