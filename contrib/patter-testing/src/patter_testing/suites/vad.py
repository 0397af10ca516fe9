"""What every voice detector has to keep."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from patter.audio.formats import AudioFormat
from patter.providers.vad import VAD, SpeechEvent, VADSession, VoiceStart, VoiceStop
from patter_testing.suites.processor import cost_ms
from patter_testing.suites.rules import ProviderSuite
from patter_testing.suites.stt import silence

BUDGET_MS = 1.0
"""What 20 ms of audio may cost, as the mean of many."""
WINDOWS_MS = 64
"""Two windows of a detector that judges 32 ms at a time."""
WORD_MS = 360
PAD_MS = 480
"""A whole number of windows of 10, 20, 30 and 32 ms: each word is cut into the same windows."""


class VADSuite(ProviderSuite):
    """Subclass, and return the detector from ``provider``; from ``voice``, sound it knows."""

    @pytest.fixture
    def voice(self, provider: VAD) -> tuple[AudioFormat, bytes]:
        """A format, and about a second of speech in it without long pauses."""
        raise NotImplementedError("override the fixture 'voice' with a format and speech in it")

    @pytest.fixture
    def slack_ms(self) -> int:
        """By how much a reported beginning or end may be off."""
        return 250

    def test_every_declared_format_is_accepted(self, provider: VAD) -> None:
        """A detector starts in each of `accepts` and finds no voice in silence.

        If this fails: take the format out of ``accepts``, or convert it in ``feed``.
        """
        assert provider.accepts, "it accepts no format at all"
        for audio in provider.accepts:
            assert _events(provider.start(audio), audio, silence(audio, 1_000)) == []

    def test_a_voice_begins_and_ends_where_it_does(
        self, provider: VAD, voice: tuple[AudioFormat, bytes], slack_ms: int
    ) -> None:
        """`at_ms` is where the voice is in the audio fed, not when it was noticed.

        If this fails: subtract the detector's own delay from the position.
        """
        audio, sound = voice
        events = _events(provider.start(audio), audio, _framed(audio, sound))
        assert events, "no voice was found"
        assert isinstance(events[0], VoiceStart), "the first event is not a VoiceStart"
        assert isinstance(events[-1], VoiceStop), "the voice never stopped"
        assert abs(events[0].at_ms - 500) <= slack_ms, f"began at {events[0].at_ms}, not 500"
        ended = 500 + audio.ms_in(len(sound))
        assert abs(events[-1].at_ms - ended) <= slack_ms, f"ended at {events[-1].at_ms}: {ended}"

    def test_a_stop_takes_as_long_as_the_tail(
        self, provider: VAD, voice: tuple[AudioFormat, bytes]
    ) -> None:
        """A stop is reported `tail_ms` after its own `at_ms`, or up to two windows later.

        If this fails: count what the detector holds on by itself into ``tail_ms``.
        """
        audio, sound = voice
        line = _framed(audio, sound)
        stops = [
            (at_ms, event.at_ms)
            for at_ms, event in _reported(provider.start(audio), audio, line, 10)
            if isinstance(event, VoiceStop)
        ]
        assert stops, "the voice never stopped"
        for at_ms, ended_ms in stops:
            late_ms = at_ms - ended_ms - provider.tail_ms
            assert -WINDOWS_MS <= late_ms <= WINDOWS_MS, f"{late_ms:.0f} ms beside the tail"

    def test_a_word_is_heard_after_a_sentence_too(
        self, provider: VAD, voice: tuple[AudioFormat, bytes]
    ) -> None:
        """What a fresh detector hears, it hears five seconds after somebody has spoken, too.

        If this fails: clear what the model remembers half a second after a voice.
        """
        audio, sound = voice
        fresh = [word for word in _words(audio, sound) if _hears(provider, audio, b"", word)]
        assert fresh, "it hears no word at all"
        before = _padded(audio, sound) + silence(audio, 10 * PAD_MS)
        later = [word for word in fresh if _hears(provider, audio, before, word)]
        assert len(later) >= 0.75 * len(fresh), f"{len(later)} of {len(fresh)} words"

    def test_starts_and_stops_alternate(
        self, provider: VAD, voice: tuple[AudioFormat, bytes]
    ) -> None:
        """After a start comes a stop, and after a stop a start; time never runs back.

        If this fails: report changes of state, not states.
        """
        audio, sound = voice
        line = _framed(audio, sound) * 3
        events = _events(provider.start(audio), audio, line)
        kinds = [type(event) for event in events]
        assert kinds == [VoiceStart, VoiceStop] * (len(kinds) // 2)
        assert len(kinds) >= 2, "no voice was found"
        positions = [event.at_ms for event in events]
        assert positions == sorted(positions)

    @pytest.mark.parametrize("ms", [2.5, 10, 33, 700])
    def test_how_audio_is_cut_changes_nothing(
        self, provider: VAD, voice: tuple[AudioFormat, bytes], ms: float
    ) -> None:
        """The same audio in pieces of another length gives the same events.

        If this fails: keep the samples that do not fill a window for the next ``feed``.
        """
        audio, sound = voice
        line = _framed(audio, sound) + silence(audio, 5_000)
        expected = _events(provider.start(audio), audio, line)
        assert _events(provider.start(audio), audio, line, ms) == expected

    def test_two_calls_do_not_mix(self, provider: VAD, voice: tuple[AudioFormat, bytes]) -> None:
        """A detector hears its own caller only.

        If this fails: keep state in the session, never in the provider.
        """
        audio, sound = voice
        speaking, quiet = provider.start(audio), provider.start(audio)
        line = _framed(audio, sound)
        heard, unheard = [], []
        for piece in _pieces(audio, line, 20):
            heard.append(speaking.feed(piece))
            unheard.append(quiet.feed(silence(audio, 20)))
        assert not any(unheard), "the silent call heard the other one's voice"
        assert any(heard), "the other call kept the voice from being heard"

    def test_it_keeps_up(self, provider: VAD, voice: tuple[AudioFormat, bytes]) -> None:
        """20 ms of audio cost less than 1 ms on an ordinary server, for it runs on the loop.

        If this fails: load models when the provider is built, and profile ``feed``.
        """
        audio, sound = voice
        pieces = [*_pieces(audio, _framed(audio, sound), 20)]
        cost = cost_ms(provider.start(audio).feed, pieces)
        assert cost < BUDGET_MS, f"{cost:.2f} ms"

    def test_the_tail_is_short(self, provider: VAD) -> None:
        """A detector reports silence within 300 ms; patience is the turn engine's.

        If this fails: lower ``tail_ms`` to about 100.
        """
        assert 0 < provider.tail_ms <= 300

    @pytest.mark.parametrize("noise", [b"", b"\x00\x80" * 8_000, b"\xff\x7f" * 8_000])
    def test_any_bytes_are_survived(self, provider: VAD, noise: bytes) -> None:
        """Nothing at all, and the loudest there is, are audio too.

        If this fails: return None for empty audio, and clip what overflows.
        """
        for audio in provider.accepts:
            session = provider.start(audio)
            for _ in range(3):
                event = session.feed(noise)
                assert event is None or isinstance(event, VoiceStart | VoiceStop)


def _framed(audio: AudioFormat, sound: bytes) -> bytes:
    """Half a second of nothing, *sound*, and a second of nothing."""
    return silence(audio, 500) + sound + silence(audio, 1_000)


def _padded(audio: AudioFormat, sound: bytes) -> bytes:
    """*sound* and the silence to a whole number of `PAD_MS`."""
    return sound + silence(audio, -audio.ms_in(len(sound)) % PAD_MS)


def _words(audio: AudioFormat, sound: bytes) -> Iterable[bytes]:
    """Pieces of *sound* as long as a word."""
    size = audio.bytes_in(WORD_MS)
    return (sound[at : at + size] for at in range(0, len(sound) - size + 1, size))


def _hears(provider: VAD, audio: AudioFormat, before: bytes, word: bytes) -> bool:
    """Does a detector that was fed *before* find a voice in *word*?"""
    session = provider.start(audio)
    _events(session, audio, before)
    events = _events(session, audio, silence(audio, PAD_MS) + word + silence(audio, PAD_MS))
    return any(isinstance(event, VoiceStart) for event in events)


def _reported(
    session: VADSession, audio: AudioFormat, line: bytes, ms: float
) -> Iterable[tuple[float, SpeechEvent]]:
    """Each event, and how much audio was fed when it was reported."""
    fed_ms = 0.0
    for piece in _pieces(audio, line, ms):
        fed_ms += audio.ms_in(len(piece))
        if (event := session.feed(piece)) is not None:
            yield fed_ms, event


def _events(
    session: VADSession, audio: AudioFormat, line: bytes, ms: float = 20
) -> list[SpeechEvent]:
    events = [session.feed(piece) for piece in _pieces(audio, line, ms)]
    events += [session.feed(b"") for _ in range(20)]
    return [event for event in events if event is not None]


def _pieces(audio: AudioFormat, line: bytes, ms: float) -> Iterable[bytes]:
    size = max(audio.sample_bytes, audio.bytes_in(ms))
    return (line[at : at + size] for at in range(0, len(line), size))
