"""Voices start and stop where the frames say so."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from patter.providers.vad import SpeechEvent, VoiceStart, VoiceStop
from patter.providers.voicing import Frames, Voicing

verdicts = st.lists(st.tuples(st.booleans(), st.integers(1, 8)), max_size=20).map(
    lambda runs: [voiced for voiced, count in runs for _ in range(count)]
)


def heard(frames: list[bool]) -> list[SpeechEvent]:
    voicing, events = Voicing(20, 60, 100), []
    for voiced in frames:
        voicing.hear(voiced)
        if event := voicing.take():
            events.append(event)
    return events


def test_a_voice_begins_with_its_first_frame_and_ends_with_its_last() -> None:
    frames = [False] * 10 + [True] * 20 + [False] * 10
    assert heard(frames) == [VoiceStart(200), VoiceStop(600)]


def test_a_voice_may_be_told_to_begin_before_its_first_frame_but_not_before_the_call() -> None:
    for frames, begins_ms in (([False, True, True], 10), ([True, True], 0)):
        voicing = Voicing(20, 40, 100, onset_ms=10)
        for voiced in frames:
            voicing.hear(voiced)
        assert voicing.take() == VoiceStart(begins_ms)


def test_two_frames_of_noise_are_no_voice() -> None:
    assert heard([False, True, True, False] * 20) == []


def test_a_pause_shorter_than_the_tail_is_part_of_the_voice() -> None:
    assert heard([True] * 5 + [False] * 4 + [True] * 5) == [VoiceStart(0)]


@given(verdicts)
def test_starts_and_stops_alternate_and_time_never_goes_back(frames: list[bool]) -> None:
    events = heard(frames)
    assert all(isinstance(event, VoiceStart) for event in events[::2])
    assert all(isinstance(event, VoiceStop) for event in events[1::2])
    assert all(one.at_ms < other.at_ms for one, other in pairwise(events))


@given(verdicts)
def test_a_voice_has_three_voiced_frames_at_its_start_and_silence_at_its_end(
    frames: list[bool],
) -> None:
    for event in heard(frames):
        first = event.at_ms // 20
        if isinstance(event, VoiceStart):
            assert frames[first : first + 3] == [True] * 3
        else:
            assert frames[first : first + 5] == [False] * 5


def test_changes_that_nobody_takes_are_dropped_in_pairs() -> None:
    voicing = Voicing(20, 20, 20)
    for frame in range(1_001):
        voicing.hear(frame % 2 == 0)
    told = []
    while event := voicing.take():
        told.append(event)
    assert isinstance(told[0], VoiceStart)
    assert told[-1] == VoiceStart(20_000)
    assert len(told) <= 64


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=9), st.integers(1, 40))
def test_frames_are_the_same_however_the_audio_is_cut(
    audio: bytes, cuts: list[int], size: int
) -> None:
    frames, edges = Frames(size), [0, *sorted(cuts), len(audio)]
    got = [frame for a, b in pairwise(edges) for frame in frames.feed(audio[a:b])]
    assert got == [audio[i : i + size] for i in range(0, len(audio) - size + 1, size)]
