"""What a double hears: each line once, no position runs back, however the audio is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript
from patter_testing.doubles.scripted_listener import LEAST_MS, ScriptedListener
from patter_testing.fakes.tts import spoken
from patter_testing.strategies import chunkings

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
LINES = ["a table for two", "no", "at seven"]
EVERY_FORMAT = pytest.mark.parametrize("audio", FORMATS, ids=str)
formats = st.sampled_from(FORMATS)
stretches = st.lists(st.tuples(st.booleans(), st.integers(0, 900)), max_size=8)
steps = st.lists(
    st.one_of(
        stretches.map(lambda each: ("feed", each)),
        st.just(("finalize", None)),
        st.sampled_from(["", "well well"]).map(lambda text: ("hear", text)),
        st.just(("guess", "it may be")),
    ),
    max_size=8,
)
pauses = st.sampled_from([0.0, 200.0, 500.0])


def sound(audio: AudioFormat, parts: list[tuple[bool, int]]) -> bytes:
    """Voice and silence in turn, each as many milliseconds as it says."""
    return b"".join(
        spoken("m", audio, ms) if voiced else silence(audio, ms) for voiced, ms in parts
    )


def silence(audio: AudioFormat, ms: int) -> bytes:
    return audio.silence * (audio.bytes_in(ms) // audio.sample_bytes)


def run(ear: ScriptedListener, what: str, argument: object) -> list[STTEvent]:
    if what == "feed":
        return ear.feed(sound(ear.audio, argument))  # type: ignore[arg-type]
    if what == "finalize":
        return ear.finalize()
    return ear.hear(str(argument), final=what == "hear")


def positions(events: list[STTEvent]) -> list[int]:
    """Every position in the order told, but for the starts of words, which look back."""
    told = [
        event.end_ms if isinstance(event, Transcript) else event.at_ms
        for event in events
        if isinstance(event, Transcript | SpeechStarted | SpeechEnded)
    ]
    assert None not in told
    return [each for each in told if each is not None]


def finals(events: list[STTEvent]) -> list[str]:
    return [each.text for each in events if isinstance(each, Transcript) and each.final]


@given(formats, steps, pauses)
def test_no_position_runs_back_or_ahead(
    audio: AudioFormat, taken: list[tuple[str, object]], pause_ms: float
) -> None:
    ear = ScriptedListener(audio, LINES, pause_ms=pause_ms)
    seen: list[STTEvent] = []
    for what, argument in taken:
        seen += run(ear, what, argument)
        assert all(at <= ear.position_ms for at in positions(seen))
    assert positions(seen) == sorted(positions(seen))
    for event in seen:
        if isinstance(event, Transcript) and event.words:
            times = [at for word in event.words for at in (word.start_ms, word.end_ms)]
            assert times == sorted(times)
            assert times[-1] == event.end_ms
            assert " ".join(word.text for word in event.words) == event.text


@given(formats, st.lists(stretches, max_size=6), pauses)
def test_each_line_is_final_once_and_in_order(
    audio: AudioFormat, said: list[list[tuple[bool, int]]], pause_ms: float
) -> None:
    ear, seen = ScriptedListener(audio, LINES, pause_ms=pause_ms), list[str]()
    for each in said:
        seen += finals(ear.feed(sound(audio, each)) + ear.finalize())
    spoke = [text for text in seen if text]
    assert spoke[: len(LINES)] == LINES[: len(spoke)]
    assert all(text.endswith(" ms") for text in spoke[len(LINES) :])


@given(formats, steps, pauses)
def test_who_begins_ends(
    audio: AudioFormat, taken: list[tuple[str, object]], pause_ms: float
) -> None:
    ear = ScriptedListener(audio, LINES, pause_ms=pause_ms)
    seen = [event for step in taken for event in run(ear, *step)] + ear.finalize()
    edges = [type(each) for each in seen if not isinstance(each, Transcript)]
    assert edges == [SpeechStarted, SpeechEnded] * (len(edges) // 2)
    assert ear.pending == ""


@given(formats, steps)
def test_finalize_is_answered_last_with_one_final(
    audio: AudioFormat, taken: list[tuple[str, object]]
) -> None:
    ear = ScriptedListener(audio, LINES)
    for what, argument in taken:
        pending = ear.pending
        heard = run(ear, what, argument)
        if what == "finalize":
            assert isinstance(heard[-1], Transcript) and heard[-1].final
            assert len(finals(heard)) == 1
            if pending and not pending.endswith(" ms"):
                assert heard[-1].text == pending
    assert finals(ear.finalize()) and finals(ear.finalize()) == [""]


@given(st.data(), formats, stretches, pauses, st.sampled_from([(), LINES]))
def test_how_audio_is_cut_changes_nothing(
    data: st.DataObject,
    audio: AudioFormat,
    parts: list[tuple[bool, int]],
    pause_ms: float,
    script: list[str],
) -> None:
    whole = sound(audio, parts)
    one = ScriptedListener(audio, script, pause_ms=pause_ms)
    other = ScriptedListener(audio, script, pause_ms=pause_ms)
    pieces = data.draw(chunkings(whole))
    cut = [event for piece in pieces for event in other.feed(piece)]
    assert cut + other.finalize() == one.feed(whole) + one.finalize()


@EVERY_FORMAT
def test_without_a_script_it_says_how_much_voice_there_was(audio: AudioFormat) -> None:
    ear = ScriptedListener(audio)
    for _ in range(2):
        ear.feed(sound(audio, [(False, 33), (True, 655), (False, 200)]))
        assert finals(ear.finalize()) == ["660 ms"]
    assert ear.position_ms == 2 * 888


def test_what_comes_before_a_pause_counts_to_its_last_sample() -> None:
    ear = ScriptedListener(MULAW_8K)
    for _ in range(2):
        ear.feed(sound(MULAW_8K, [(True, 108)]))
        assert finals(ear.finalize()) == ["108 ms"]


@EVERY_FORMAT
@pytest.mark.parametrize("text", ["hello there", "zzz"])
def test_every_letter_of_the_fake_voice_is_heard(audio: AudioFormat, text: str) -> None:
    ear = ScriptedListener(audio)
    ear.feed(spoken(text, audio))
    assert finals(ear.finalize()) == [f"{len(text) * 60} ms"]


@EVERY_FORMAT
def test_words_come_one_by_one_and_lie_where_the_voice_is(audio: AudioFormat) -> None:
    ear = ScriptedListener(audio, ["one two"], pause_ms=300, word_ms=200)
    heard = ear.feed(sound(audio, [(False, 500), (True, 800), (False, 300)]))
    assert [str(getattr(event, "text", type(event).__name__)) for event in heard] == [
        "SpeechStarted",
        "one",
        "one two",
        "SpeechEnded",
        "one two",
    ]
    assert positions(heard) == [500, 700, 900, 1_300, 1_300]
    final = heard[-1]
    assert isinstance(final, Transcript)
    assert [(word.start_ms, word.end_ms) for word in final.words] == [(500, 900), (900, 1_300)]


def test_clicks_are_no_voice_however_many() -> None:
    ear = ScriptedListener(MULAW_8K, LINES)
    assert ear.feed(sound(MULAW_8K, [(True, 50), (False, 150)] * 20)) == []
    assert finals(ear.finalize()) == [""]


def test_a_pause_shorter_than_asked_ends_nothing() -> None:
    ear = ScriptedListener(MULAW_8K, LINES, pause_ms=300)
    heard = ear.feed(sound(MULAW_8K, [(True, 400), (False, 290), (True, 400), (False, 300)]))
    assert finals(heard) == [LINES[0]]


def test_what_is_to_be_heard_takes_the_place_of_the_line() -> None:
    ear = ScriptedListener(MULAW_8K, LINES)
    ear.feed(sound(MULAW_8K, [(True, 400)]))
    assert ear.pending == LINES[0]
    assert finals(ear.hear("something else")) == ["something else"]
    ear.feed(sound(MULAW_8K, [(True, LEAST_MS)]))
    assert finals(ear.finalize()) == [LINES[1]]


def test_a_guess_is_final_when_asked() -> None:
    ear = ScriptedListener(MULAW_8K)
    assert finals(ear.hear("it may be", final=False)) == []
    assert (ear.pending, finals(ear.finalize())) == ("it may be", ["it may be"])


def test_a_script_goes_on_in_the_next_session() -> None:
    lines = iter(LINES)
    for expected in LINES:
        ear = ScriptedListener(MULAW_8K, lines)
        ear.feed(sound(MULAW_8K, [(True, 200)]))
        assert finals(ear.finalize()) == [expected]
