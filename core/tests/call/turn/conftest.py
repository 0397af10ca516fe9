"""Makes `--hypothesis-profile=nightly` known; see `effort`."""

from __future__ import annotations

from hypothesis import settings

from .effort import NIGHTLY, profile

settings.register_profile(NIGHTLY, profile(3_000))
