"""What an audio filter has to keep."""

from __future__ import annotations

import math
import random
import statistics
from typing import Any

import pytest

from patter.audio.convert import convert
from patter.audio.formats import AudioFormat, Encoding
from patter.audio.level import powers
from patter.audio.mix import mix
from patter.providers.audio_filter import AudioFilter, AudioFilterSession, FarEndFilterSession
from patter_testing.suites.processor import cost_ms
from patter_testing.suites.rules import (
    ProviderSuite,
)
from patter_testing.suites.stt import silence

ECHO_DB = -20.0
ECHO_MS = 120
LEARNING_MS = 4_000
"""How long a filter may take to learn the way of an echo."""
QUIETER_DB = 3.0


class AudioFilterSuite(ProviderSuite):
    """Subclass, and return the filter from ``provider``.

    A filter whose sessions take the far end is shown some in every test, and has to cancel it.
    """

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
            _process(one, loud, loud)
            expected = _process(alone, silence(audio, 20), silence(audio, 20))
            assert _process(other, silence(audio, 20), silence(audio, 20)) == expected

    def test_it_keeps_up(self, provider: AudioFilter) -> None:
        """20 ms of audio cost less than 2 ms on an ordinary server, for it runs on the loop.

        If this fails: load models when the provider is built, and profile ``process``.
        """
        audio = provider.accepts[0]
        session, pieces = provider.start(audio), [_noise(audio, 20)] * 20
        # The best of some: what else the machine does meanwhile is not the filter's.
        best = min(
            cost_ms(lambda piece: _process(session, piece, piece), pieces) for _ in range(30)
        )
        assert best < 2.0, f"{best:.2f} ms"

    def test_an_echo_of_the_far_end_gets_quieter(self, provider: AudioFilter) -> None:
        """A filter that takes the far end makes an echo 120 ms later and 20 dB below it quieter.

        If this fails: leave ``far_end`` out; without it a filter is not shown what is played.
        """
        audio = provider.accepts[0]
        if not isinstance(provider.start(audio), FarEndFilterSession):
            pytest.skip("it does not take the far end")
        far = _speech(audio, LEARNING_MS + 1_000)
        near = _echo(far, audio)
        out = _through(provider, audio, near, 20, far)
        last = audio.bytes_in(1_000)
        reduction_db = _level_db(near[-last:], audio) - _level_db(out[-last:], audio)
        assert reduction_db >= QUIETER_DB, f"{reduction_db:.1f} dB quieter"

    def test_a_caller_alone_is_let_through(self, provider: AudioFilter) -> None:
        """Sound from the caller while nothing is played is not taken for an echo.

        If this fails: cancel what is like the far end, not all there is.
        """
        audio = provider.accepts[0]
        if not isinstance(provider.start(audio), FarEndFilterSession):
            pytest.skip("it does not take the far end")
        near, quiet = _speech(audio, 1_000), silence(audio, 1_000)
        assert any(_through(provider, audio, near, 20, quiet).strip(audio.silence))


def _noise(audio: AudioFormat, ms: float) -> bytes:
    return bytes(at * 31 % 97 for at in range(audio.bytes_in(ms)))


def _speech(audio: AudioFormat, ms: float) -> bytes:
    """Noise that comes and goes as syllables do, in *audio*."""
    form, rolls = AudioFormat(Encoding.PCM16, audio.rate_hz), random.Random(1)
    count = form.bytes_in(ms) // 2
    heights = (
        abs(math.sin(at * 12 / audio.rate_hz)) * rolls.gauss(0, 4_000) for at in range(count)
    )
    clipped = (max(-32_768, min(32_767, round(height))) for height in heights)
    return convert(
        b"".join(each.to_bytes(2, "little", signed=True) for each in clipped), form, audio
    )


def _echo(far: bytes, audio: AudioFormat) -> bytes:
    """*far* as it comes back."""
    form = AudioFormat(Encoding.PCM16, audio.rate_hz)
    pcm = convert(far, audio, form)
    late = (silence(form, ECHO_MS) + pcm)[: len(pcm)]
    return convert(mix(bytes(len(late)), late, 10 ** (ECHO_DB / 20)), form, audio)


def _level_db(sound: bytes, audio: AudioFormat) -> float:
    power = statistics.fmean(powers(sound, audio, 20))
    return 10 * math.log10(max(power, 1e-12))


def _process(session: AudioFilterSession, near: bytes, far: bytes) -> bytes:
    if isinstance(session, FarEndFilterSession):
        session.far_end(far)
    return session.process(near)


def _through(
    provider: Any, audio: AudioFormat, line: bytes, ms: float, far: bytes | None = None
) -> bytes:
    session, size = provider.start(audio), audio.bytes_in(ms)
    far = line if far is None else far
    cuts = (slice(at, at + size) for at in range(0, len(line), size))
    return b"".join(_process(session, line[cut], far[cut]) for cut in cuts)
