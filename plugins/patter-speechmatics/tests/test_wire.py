"""The protocol as pure functions and states, checked without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import ErrorCode
from patter.providers.stt import STTEvent, Transcript, TurnEnded, Word
from patter_speechmatics import _wire
from patter_speechmatics._errors import CLOSE_CODES, failed, hung_up
from patter_speechmatics._hearing import Hearing
from patter_speechmatics._results import Ending
from patter_speechmatics._turns import TurnMode, Turns
from patter_speechmatics.double import messages
from patter_speechmatics.double.messages import Voice

times = st.integers(0, 10**7)
contents = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1)


def hearing(mode: str = "external", **more: Any) -> Hearing:
    return Hearing(Turns(TurnMode(mode), 500, 10_000), **more)


def sent(ear: Hearing, ms: float) -> Hearing:
    """*ear*, when so much audio was sent."""
    ear.sent_ms = ms
    return ear


def said(
    text: str, end_ms: int = 500, *, final: bool = True, speaker: str = "", delimiter: str = " "
) -> str:
    """What Speechmatics sends for *text*, whose words take 100 ms each."""
    words, count = text.split(), len(text.split())
    body = messages.transcript(
        [
            Word(each, end_ms - 100 * (count - at), end_ms - 100 * (count - at - 1))
            for at, each in enumerate(words)
        ],
        final=final,
        start_ms=max(0, end_ms - 100 * count),
        end_ms=end_ms,
        voice=Voice(speaker=speaker),
        delimiter=delimiter,
    )
    return json.dumps(body)


def ended(at_ms: float = 500) -> str:
    return json.dumps(messages.utterance_end(at_ms))


def texts(events: list[STTEvent]) -> list[str]:
    return [each.text for each in events if isinstance(each, Transcript)]


# --- words


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    marks = sorted(draw(st.lists(times, min_size=2, max_size=12)))
    words = [
        Word(draw(contents) + draw(st.sampled_from(["", ".", ",", "?!"])), start, end)
        for start, end in zip(marks[::2], marks[1::2], strict=False)
    ]
    text, final = " ".join(word.text for word in words), draw(st.booleans())
    return Transcript(text, final, words[-1].end_ms, 0.98 if final else None, tuple(words))


@given(transcripts())
def test_what_it_says_is_what_is_heard(heard: Transcript) -> None:
    body = messages.transcript(
        heard.words,
        final=heard.final,
        start_ms=0,
        end_ms=float(heard.end_ms or 0),
        voice=Voice(),
        delimiter=" ",
    )
    assert hearing().read(json.dumps(body)) == [heard]
    # The same words, put together here.
    assert hearing(focus=frozenset({"S1"})).read(json.dumps(body)) == []
    for result in body["results"]:
        result["alternatives"][0]["speaker"] = "S1"
    assert hearing(focus=frozenset({"S1"})).read(json.dumps(body)) == [heard]


def test_words_without_blanks_between_them_are_joined_so() -> None:
    japanese = hearing(focus=frozenset({"S1"}), delimiter="")
    assert texts(japanese.read(said("今日 は。", speaker="S1", delimiter=""))) == ["今日は。"]


def test_a_mark_may_belong_to_the_word_behind_it() -> None:
    body = json.loads(said("hola que? pasa", speaker="S1"))
    body["results"].insert(1, {**body["results"][2], "attaches_to": "next", "is_eos": False})
    body["results"][1]["alternatives"] = [{"content": "¿", "confidence": 1.0, "speaker": "S1"}]
    (heard,) = hearing(focus=frozenset({"S1"})).read(json.dumps(body))
    assert isinstance(heard, Transcript)
    assert [word.text for word in heard.words] == ["hola", "¿que?", "pasa"]


def test_an_entity_is_a_word_and_a_change_of_speaker_is_none() -> None:
    body = json.loads(said("at 10:30"))
    body["results"][1]["type"] = "entity"
    body["results"].append({"type": "speaker_change", "start_time": 0.5, "end_time": 0.5})
    (heard,) = hearing().read(json.dumps(body))
    assert isinstance(heard, Transcript)
    assert (heard.text, heard.words[-1].text, heard.confidence) == ("at 10:30", "10:30", 0.98)


def test_nothing_said_is_no_news() -> None:
    assert hearing().read(said("")) == hearing().read(said("", final=False)) == []


@given(st.lists(st.integers(200, 20_000), min_size=1, max_size=6), st.integers(0, 5))
def test_no_position_runs_back_though_speechmatics_counts_anew(
    steps: list[int], restart: int
) -> None:
    ear, at, zero, before = hearing(), 0, 0, 0
    for index, step in enumerate(steps):
        zero = at if index == restart else zero
        at += step
        sent(ear, at).passed()
        (heard,) = ear.read(said("yes", at - zero))
        assert isinstance(heard, Transcript) and heard.end_ms is not None
        assert before - 1_000 <= heard.words[0].start_ms <= heard.end_ms <= at
        before = heard.end_ms


@pytest.mark.parametrize(("sent_ms", "end_ms"), [(15_500, 500), (15_501, 15_501)])
def test_words_that_are_too_old_are_of_a_session_that_counts_anew(
    sent_ms: int, end_ms: int
) -> None:
    ear = hearing()
    sent(ear, sent_ms).passed()
    (heard,) = ear.read(said("yes", 500))
    assert isinstance(heard, Transcript) and heard.end_ms == end_ms


# --- pauses


def test_a_pause_is_answered_once_whatever_came_before() -> None:
    ear = hearing()
    assert texts(ear.read(said("a table"))) == ["a table"]
    assert json.loads(sent(ear, 600).paused() or "") == {
        "message": "ForceEndOfUtterance",
        "timestamp": 0.6,
    }
    assert ear.read(said("")) == []
    assert ear.read(ended()) == [Transcript("", True)]
    assert ear.overdue() == [] and ear.read(ended()) == []


def test_words_answer_a_pause_and_nothing_empty_follows_them() -> None:
    ear = hearing()
    sent(ear, 600).paused()
    assert texts(ear.read(said("for two"))) == ["for two"]
    assert ear.read(ended()) == [] and ear.owed == 0
    sent(ear, 1_600).paused()
    assert ear.read(ended()) == [Transcript("", True)]


def test_words_that_came_without_an_end_are_an_answer_too() -> None:
    ear = hearing()
    sent(ear, 600).paused()
    ear.read(said("for two"))
    assert ear.overdue() == [] and ear.owed == 0
    sent(ear, 900).paused()
    assert ear.overdue() == [Transcript("", True)]


def test_the_end_of_one_pause_does_not_answer_the_next() -> None:
    ear = hearing()
    sent(ear, 600).paused()
    ear.read(said("for two"))
    sent(ear, 900).paused()
    assert ear.read(ended(600)) == [] and ear.owed == 1
    assert texts(ear.read(said("at nine", 900))) == ["at nine"]
    assert ear.read(ended(900)) == [] and ear.owed == 0


def test_words_answer_the_pause_that_has_waited_longest() -> None:
    ear = hearing()
    sent(ear, 600).paused()
    sent(ear, 900).paused()
    ear.read(said("for two"))
    assert ear.read(ended(600)) == []
    assert ear.read(ended(900)) == [Transcript("", True)]


@given(st.integers(0, 4), st.integers(0, 6))
def test_no_pause_has_two_answers(pauses: int, ends: int) -> None:
    ear = hearing()
    for at in range(pauses):
        sent(ear, at).paused()
    answers = [event for _ in range(ends) for event in ear.read(ended())]
    assert len(answers) == min(pauses, ends)
    assert len(ear.overdue()) == (1 if pauses > ends else 0)
    assert ear.overdue() == []


def test_a_fixed_silence_is_left_to_speechmatics_before_it_is_asked() -> None:
    ear = hearing("fixed")
    assert sent(ear, 600).paused() is None
    assert json.loads(sent(ear, 1_700).hurry() or "")["timestamp"] == 1.7
    assert sent(ear, 1_800).hurry() is None
    assert sent(hearing("fixed"), 5).hurry() is None
    asked = hearing("adaptive")
    assert sent(asked, 600).paused() is not None and sent(asked, 700).hurry() is None


def test_the_silence_itself_settles_all_pauses() -> None:
    ear = hearing("fixed")
    sent(ear, 600).paused()
    sent(ear, 900).paused()
    assert ear.read(ended()) == [Transcript("", True)]
    assert ear.owed == 0


# --- turns


def test_fixed_a_turn_ends_with_its_utterance() -> None:
    ear = hearing("fixed")
    sent(ear, 700).paused()
    ear.read(said("a table"))
    assert ear.read(ended()) == [TurnEnded()]
    assert ear.read(ended()) == [], "nobody finishes who has said nothing since"


def test_fixed_an_end_that_we_forced_is_no_judgement() -> None:
    ear = hearing("fixed")
    sent(ear, 700).paused()
    sent(ear, 1_700).hurry()
    ear.read(said("a table"))
    assert TurnEnded() not in ear.read(ended())
    sent(ear, 2_000).paused()
    assert TurnEnded() in ear.read(ended()), "but the next silence is"


def test_external_no_turn_ever_ends() -> None:
    ear = hearing()
    ear.read(said("yes."))
    assert ear.read(ended()) == sent(ear, 60_000).passed() == []


@pytest.mark.parametrize(
    ("text", "silence_ms"), [("yes.", 500), ("a table", 1_000), ("i want um", 1_500)]
)
def test_adaptive_a_turn_ends_later_where_more_is_to_come(text: str, silence_ms: int) -> None:
    ear = hearing("adaptive")
    sent(ear, 700).paused()
    ear.read(said(text, 500))
    assert sent(ear, 499 + silence_ms).passed() == [], "its utterance has not ended"
    ear = hearing("adaptive")
    sent(ear, 700).paused()
    ear.read(said(text, 500))
    assert ear.read(ended(700)) == []
    assert sent(ear, 499 + silence_ms).passed() == []
    assert sent(ear, 500 + silence_ms).passed() == [TurnEnded()]
    assert sent(ear, 60_000).passed() == []


def test_adaptive_a_silence_that_has_passed_ends_the_turn_at_once() -> None:
    ear = hearing("adaptive")
    ear.read(said("yes.", 500))
    sent(ear, 1_100).passed()
    assert ear.read(ended(1_000)) == [TurnEnded()]


def test_adaptive_who_goes_on_has_not_finished() -> None:
    ear = hearing("adaptive")
    ear.read(said("yes.", 500))
    ear.read(ended(700))
    ear.read(said("and", 900, final=False))
    assert sent(ear, 5_000).passed() == []
    ear.read(said("and two", 1_000))
    assert sent(ear, 9_000).passed() == []
    assert ear.read(ended(1_200)) == [TurnEnded()]


def test_adaptive_words_that_come_at_once_final_are_more_words_too() -> None:
    ear = hearing("adaptive")
    ear.read(said("yes.", 500))
    ear.read(ended(700))
    ear.read(said("and two.", 900))
    assert sent(ear, 5_000).passed() == [], "their utterance has not ended"


def test_adaptive_the_longest_wait_is_bounded() -> None:
    turns = Turns(TurnMode.ADAPTIVE, 500, 600)
    turns.words(500, Ending.HESITATING)
    turns.utterance_ended(forced=True)
    assert not turns.passed(1_099) and turns.passed(1_100)


@given(st.lists(st.sampled_from(["words", "interim", "end", "pause"]), max_size=20))
def test_adaptive_no_turn_ends_twice(steps: list[str]) -> None:
    ear, ends, turns, at = hearing("adaptive"), 0, 0, 0
    for step in steps:
        at += 5_000
        match step:
            case "words":
                events, turns = ear.read(said("yes.", at)), turns + 1
            case "interim":
                events = ear.read(said("yes", at, final=False))
            case "end":
                events = ear.read(ended(at))
            case _:
                sent(ear, at).paused()
                events = []
        ends += (events + sent(ear, at).passed()).count(TurnEnded())
    assert ends <= turns


# --- what else it says


def test_audio_is_confirmed_and_that_is_no_sign_of_life() -> None:
    ear = hearing()
    ear.read(json.dumps(messages.audio_added(7)))
    ear.read(json.dumps(messages.audio_added(5)))
    assert (ear.confirmed, ear.alive) == (7, 0)
    ear.read(said(""))
    assert ear.alive == 1


@pytest.mark.parametrize("message", [messages.quality(8_000), {"message": "Novelty"}])
def test_what_is_not_about_words_is_no_news(message: dict[str, Any]) -> None:
    assert hearing().read(json.dumps(message)) == []


def test_a_warning_is_logged_unless_nobody_listens_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ear = hearing()
    assert ear.read(json.dumps(messages.warning("idle_timeout", "in 5m"))) == []
    assert "idle_timeout" in caplog.text
    with pytest.raises(PatterError) as raised:
        ear.read(json.dumps(messages.warning("duration_limit_exceeded", "ignored")))
    assert raised.value.code is ErrorCode.CONNECTION


ERRORS = {
    "invalid_message": "PROVIDER_ERROR",
    "invalid_model": "CONFIG",
    "invalid_language": "CONFIG",
    "invalid_config": "CONFIG",
    "invalid_audio_type": "CONFIG",
    "invalid_output_format": "CONFIG",
    "not_authorised": "AUTH",
    "insufficient_funds": "AUTH",
    "not_allowed": "AUTH",
    "job_error": "CONNECTION",
    "data_error": "CONNECTION",
    "buffer_error": "CONNECTION",
    "protocol_error": "PROVIDER_ERROR",
    "quota_exceeded": "RATE_LIMIT",
    "timelimit_exceeded": "AUTH",
    "idle_timeout": "CONNECTION",
    "session_timeout": "CONNECTION",
    "session_transfer": "CONNECTION",
    "start_recognition_timeout": "TIMEOUT",
    "unknown_error": "CONNECTION",
    "novelty": "PROVIDER_ERROR",
}
CLOSED = {
    1003: "PROVIDER_ERROR",
    1008: "CONNECTION",
    1011: "CONNECTION",
    4001: "AUTH",
    4003: "AUTH",
    4004: "CONFIG",
    4005: "RATE_LIMIT",
    4006: "AUTH",
    4013: "CONNECTION",
}


@pytest.mark.parametrize(("kind", "code"), ERRORS.items())
def test_an_error_has_its_meaning(kind: str, code: str) -> None:
    with pytest.raises(PatterError) as raised:
        hearing(key="hunter2").read(json.dumps(messages.error(kind, "because of hunter2")))
    assert raised.value.code == code and raised.value.fix
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("closed", "code"), [*CLOSED.items(), (1006, "CONNECTION")])
def test_the_code_of_a_close_has_its_meaning(closed: int, code: str) -> None:
    error = hung_up(closed, "hunter2 again", "hunter2")
    assert error.code == code and error.fix and "hunter2" not in str(error)


def test_every_code_is_tried_here() -> None:
    assert set(CLOSED) == set(CLOSE_CODES)


def test_too_many_sessions_come_back_in_a_while() -> None:
    error: Any = failed("quota_exceeded", "Concurrent Quota Exceeded")
    assert error.retry_after_ms == 5_000 and "20 on a paid one" in error.fix


def test_a_transcript_that_ends_unasked_is_a_lost_session() -> None:
    with pytest.raises(PatterError) as raised:
        hearing().read(json.dumps(messages.end_of_transcript()))
    assert raised.value.code is ErrorCode.CONNECTION


# --- garbage

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
NAMES = """
metadata results start_time end_time transcript alternatives content confidence type attaches_to
is_eos tags speaker reason seq_no
"""
names = st.sampled_from(NAMES.split())
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)
kinds = st.sampled_from(
    ["AddTranscript", "AddPartialTranscript", "EndOfUtterance", "AudioAdded", "Error", "Warning"]
)


@given(kinds, st.dictionaries(names, values, max_size=6))
def test_a_message_that_is_wrong_inside_is_an_error_of_ours(
    kind: str, fields: dict[str, Any]
) -> None:
    try:
        hearing().read(json.dumps({**fields, "message": kind}))
    except PatterError as error:
        assert error.fix


@given(st.text() | st.binary())
def test_what_is_no_message_is_an_error_of_ours(message: str | bytes) -> None:
    with pytest.raises(PatterError) as raised:
        hearing().read(message)
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


# --- what is sent


def test_a_session_says_in_which_format_it_sends() -> None:
    formats = [
        json.loads(_wire.start({}, audio))["audio_format"] for audio in (MULAW_8K, PCM16_16K)
    ]
    assert formats == [
        {"type": "raw", "encoding": "mulaw", "sample_rate": 8_000},
        {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
    ]


@given(st.floats(0, 10**8))
def test_a_time_there_is_the_same_time_here(at_ms: float) -> None:
    body = json.loads(_wire.force_end(at_ms))
    assert abs(_wire.ms(body["timestamp"]) - at_ms) <= 1


@pytest.mark.parametrize("value", [True, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a time"):
        _wire.ms(value)
