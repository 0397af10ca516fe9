"""What the recordings beside this file say, and their samples."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, AudioFormat

SAYS = {
    "hours": "what are your opening hours",
    "book": "book a table for two",
    "yes": "yes please",
    "no": "no thank you",
    "goodbye": "goodbye",
}


@cache
def audio(name: str, sink: AudioFormat, pause_ms: int = 0) -> bytes:
    """A recording after its way through the telephone (mu-law), then a pause."""
    with wave.open(str(Path(__file__).parent / "speech" / f"{name}.wav")) as source:
        pcm = source.readframes(source.getnframes())
    mulaw = convert(pcm, PCM16_8K, MULAW_8K) + MULAW_8K.silence * MULAW_8K.bytes_in(pause_ms)
    return convert(mulaw, MULAW_8K, sink)
