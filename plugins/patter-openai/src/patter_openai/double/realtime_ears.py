"""What the double hears of a caller: voice in the audio, words from the script (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.stt import STTEvent
from patter_testing.doubles.scripted_listener import ScriptedListener

LEAST_MS = 100
"""What is less audio than this cannot be committed."""

PATIENCE_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
"""How long semantic_vad waits for somebody who has not finished."""

SURE_MS = 200
BLOCK_MS = 20
UNFINISHED = ("...", "…", ",", " um", " uh")
"""How a line ends whose speaker is sure to go on."""


@attrs.define(eq=False)
class VendorEars:
    """The input buffer of one session, in *audio*, with the turn detection *turns* or without.

    Positions are counted from the first audio of the session, whatever was set since.
    """

    audio: AudioFormat
    turns: Mapping[str, Any] | None
    script: Iterator[str]
    began_ms: float = 0.0
    buffer_ms: float = attrs.field(default=0.0, init=False)
    _listener: ScriptedListener = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._listener = ScriptedListener(self.audio, self.script, pause_ms=self._pause_ms(""))

    @property
    def now_ms(self) -> float:
        """How much audio there was in the session."""
        return self.began_ms + self._listener.position_ms

    def feed(self, audio: bytes) -> list[STTEvent]:
        """Listen on; with turn detection a turn ends with its final words."""
        self.buffer_ms += self.audio.ms_in(len(audio))
        if self.turns is None or self.turns["type"] != "semantic_vad":
            return self._listener.feed(audio)
        heard: list[STTEvent] = []
        size = self.audio.bytes_in(BLOCK_MS)
        for at in range(0, len(audio), size):
            self._listener.pause_ms = self._pause_ms(self._listener.pending)
            heard += self._listener.feed(audio[at : at + size])
        return heard

    def commit(self) -> str | None:
        """The words since the last commit; None if there is too little audio."""
        if self.buffer_ms < LEAST_MS:
            return None
        self.buffer_ms = 0.0
        final = self._listener.finalize()[-1]
        return getattr(final, "text", "")

    def _pause_ms(self, line: str) -> float:
        """After how much silence a turn is over; 0: never."""
        if self.turns is None:
            return 0.0
        if self.turns["type"] == "server_vad":
            return float(max(self.turns.get("silence_duration_ms", 500), 1))
        unfinished = line.endswith(UNFINISHED)
        return float(PATIENCE_MS[self.turns.get("eagerness", "auto")] if unfinished else SURE_MS)


def voice_of(audio: AudioFormat, voice_ms: float, pause_ms: float) -> bytes:
    """Somebody who speaks for *voice_ms*, and then does not."""
    loud = b"\x00\x20" if audio.sample_bytes == 2 else b"\x10"
    voice = loud * (audio.bytes_in(voice_ms) // len(loud))
    return voice + audio.silence * (audio.bytes_in(pause_ms) // audio.sample_bytes)
