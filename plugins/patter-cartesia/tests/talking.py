"""What the tests of all kinds share: a call, and what is heard and said on it."""

from __future__ import annotations

from patter.audio.formats import MULAW_8K
from patter.providers.stt import STTEvent, Transcript
from patter_testing.doubles.vendor_sound import sounded

VOICE = sounded("any words", MULAW_8K)


def shape(events: list[STTEvent]) -> list[str]:
    """The events by their names; words by their text."""
    return [
        event.text if isinstance(event, Transcript) else type(event).__name__ for event in events
    ]
