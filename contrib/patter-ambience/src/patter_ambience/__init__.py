"""Sounds to play behind a call, computed and not recorded: nobody has rights in them but you."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"

FOLDER = Path(__file__).parent / "clips"
"""Where `patter.audio.background.builtin_clip_path` finds them: mu-law at 8 kHz, one WAV a clip."""
