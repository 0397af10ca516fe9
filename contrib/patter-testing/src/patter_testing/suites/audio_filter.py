"""What an audio filter has to keep."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.providers.audio_filter import AudioFilter
from patter_testing.suites.rules import (
    ProviderSuite,
)
from patter_testing.suites.stt import silence


class AudioFilterSuite(ProviderSuite):
    """Subclass, and return the filter from ``provider``."""

    def test_as_much_comes_out_as_goes_in(self, provider: AudioFilter) -> None:
        """In each of `accepts`, a stream keeps its length but for one window, in whole samples.

        If this fails: hold back what does not fill a window, and deliver it with the next.
        """
        assert provider.accepts, "it accepts no format at all"
        for audio in provider.accepts:
            out = _through(provider, audio, _noise(audio, 2_000), 20)
            assert len(out) % audio.sample_bytes == 0, "half a sample"
            assert 0 <= 2_000 - audio.ms_in(len(out)) <= 100

    @pytest.mark.parametrize("ms", [2.5, 10, 33])
    def test_how_audio_is_cut_changes_nothing(self, provider: AudioFilter, ms: float) -> None:
        """The same audio in pieces of another length comes out the same.

        If this fails: keep the samples that do not fill a window for the next ``process``.
        """
        audio = provider.accepts[0]
        line = _noise(audio, 1_000)
        one, other = _through(provider, audio, line, 20), _through(provider, audio, line, ms)
        common = min(len(one), len(other))
        assert one[:common] == other[:common]
        assert abs(audio.ms_in(len(one) - len(other))) <= 100

    def test_two_calls_do_not_mix(self, provider: AudioFilter) -> None:
        """A filter hears its own caller only.

        If this fails: keep state in the session, never in the provider.
        """
        audio = provider.accepts[0]
        one, other = provider.start(audio), provider.start(audio)
        loud, alone = _noise(audio, 20), provider.start(audio)
        for _ in range(20):
            one.process(loud)
            expected = alone.process(silence(audio, 20))
            assert other.process(silence(audio, 20)) == expected

    def test_it_keeps_up(self, provider: AudioFilter) -> None:
        """20 ms of audio cost less than a millisecond, for it runs on the loop.

        If this fails: load models when the provider is built, and profile ``process``.
        """
        audio = provider.accepts[0]
        session, piece, costs = provider.start(audio), _noise(audio, 20), []
        for _ in range(100):
            begun = time.perf_counter()
            session.process(piece)
            costs.append((time.perf_counter() - begun) * 1_000)
        assert statistics.median(costs) < 1.0, f"{statistics.median(costs):.2f} ms"


def _noise(audio: AudioFormat, ms: float) -> bytes:
    return bytes(at * 31 % 97 for at in range(audio.bytes_in(ms)))


def _through(provider: Any, audio: AudioFormat, line: bytes, ms: float) -> bytes:
    session, size = provider.start(audio), audio.bytes_in(ms)
    return b"".join(session.process(line[at : at + size]) for at in range(0, len(line), size))
