"""What the tests share: a call, and what is heard on it."""

from __future__ import annotations

from typing import Any

from patter.audio.formats import MULAW_8K
from patter.providers.stt import STTEvent, Transcript
from patter_assemblyai import AssemblyAISTT
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.doubles.vendor_sound import sounded

VOICE = sounded("any words", MULAW_8K)


def ears(double: AssemblyAIDouble, **options: Any) -> AssemblyAISTT:
    return double.pointed(AssemblyAISTT(api_key="k", **options))


def shape(events: list[STTEvent]) -> list[str]:
    """The events by their names; words as they are, with a full stop behind final ones."""
    return [
        (f"{event.text}|" if event.final else event.text)
        if isinstance(event, Transcript)
        else type(event).__name__
        for event in events
    ]
