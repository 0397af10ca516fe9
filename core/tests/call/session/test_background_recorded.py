"""What plays behind a call is in its recording. Real time: a thread writes the file."""

from __future__ import annotations

import wave
from pathlib import Path

from patter.audio.background import BackgroundAudioPlayer
from patter_testing import lab

from .plans import plan


async def test_the_recording_has_it(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hum.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes((4_000).to_bytes(2, "little") * 8_000)
    hum = BackgroundAudioPlayer(tmp_path / "hum.wav", loop=True)
    async with lab(plan(background_audio=hum), keep=("background_audio",)) as call:
        call.session.recording = tmp_path / "call.wav"
        await call.caller.waits(700)
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = file.readframes(file.getnframes())
    agent = [int.from_bytes(both[at + 2 : at + 4], "little") for at in range(0, len(both), 4)]
    assert sum(380 <= sample <= 420 for sample in agent) > 4_000
