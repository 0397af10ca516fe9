"""What ElevenLabs' refusals mean: HTTP statuses, error codes in messages, close codes."""

from __future__ import annotations

from patter.providers.vendor_errors import VendorErrors

ERRORS = VendorErrors("ElevenLabs", "ELEVENLABS_API_KEY", "status.elevenlabs.io")
