"""AssemblyAI's SDK, which imports what its own dependencies have deprecated."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from assemblyai.streaming.v3 import models
    from assemblyai.streaming.v3._base import _build_uri as build_uri
    from assemblyai.streaming.v3.async_client import AsyncRealTimeTranscriber

__all__ = ["AsyncRealTimeTranscriber", "build_uri", "models"]
