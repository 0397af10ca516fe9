"""The rules every voice detector keeps."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from patter.audio.formats import PCM16_8K, AudioFormat
from patter_silero import SileroVAD
from patter_testing import VADSuite


class TestSileroVAD(VADSuite):
    @pytest.fixture
    def provider(self) -> SileroVAD:
        return SileroVAD(tail_ms=250)

    @pytest.fixture
    def voice(self) -> tuple[AudioFormat, bytes]:
        with wave.open(str(Path(__file__).parent / "voices" / "hours.wav")) as file:
            return PCM16_8K, file.readframes(file.getnframes())
