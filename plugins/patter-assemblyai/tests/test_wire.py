"""The protocol as pure functions and states, checked without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from patter.providers.stt import (
    SpeechEnded,
    SpeechStarted,
    STTEvent,
    Transcript,
    TurnEnded,
    Word,
)
from patter_assemblyai._errors import failed, hung_up
from patter_assemblyai._frames import LEAST_MS, MOST_MS, AudioFrames
from patter_assemblyai._socket import FORCE_ENDPOINT, KEEP_ALIVE, TERMINATE
from patter_assemblyai._turns import TurnHearing
from patter_assemblyai.double import messages

from .sdk import models

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1)
times = st.integers(0, 10**7)


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    marks = sorted(draw(st.lists(times, min_size=2, max_size=12)))
    return [
        Word(draw(texts), start, end) for start, end in zip(marks[::2], marks[1::2], strict=False)
    ]


def said(text: str, order: int = 0, *, ends: bool = False, formatted: bool = False) -> str:
    words = [Word(each, at * 300, at * 300 + 200) for at, each in enumerate(text.split())]
    return json.dumps(messages.turn(order, text, words, ends=ends, formatted=formatted))


def heard(text: str, *, final: bool = True) -> Transcript:
    words = tuple(Word(each, at * 300, at * 300 + 200) for at, each in enumerate(text.split()))
    return Transcript(text, final, words[-1].end_ms, messages.CONFIDENCE, words)


# --- turns


@given(spoken(), st.data())
def test_words_that_are_not_final_yet_are_heard_too(words: list[Word], data: st.DataObject) -> None:
    pending = data.draw(st.integers(0, len(words)))
    transcript = " ".join(word.text for word in words[: len(words) - pending])
    body = messages.turn(0, transcript, words, pending=pending)
    started, interim = TurnHearing().read(json.dumps(body))
    text = " ".join(word.text for word in words)
    assert started == SpeechStarted(words[0].start_ms)
    assert interim == Transcript(text, False, words[-1].end_ms, messages.CONFIDENCE, tuple(words))


def test_a_turn_is_interims_then_final_words_and_its_end() -> None:
    hearing = TurnHearing()
    assert hearing.read(json.dumps(messages.speech_started(20))) == [SpeechStarted(20)]
    assert hearing.read(said("yes")) == [heard("yes", final=False)]
    assert hearing.read(said("yes")) == []
    assert hearing.read(said("yes please", ends=True)) == [
        SpeechEnded(500),
        heard("yes please"),
        TurnEnded(),
    ]


def test_a_turn_that_ends_at_once_has_a_voice_all_the_same() -> None:
    events = TurnHearing().read(said("yes", ends=True))
    assert events == [SpeechStarted(0), SpeechEnded(200), heard("yes"), TurnEnded()]


def test_a_turn_that_is_told_again_is_heard_once() -> None:
    hearing = TurnHearing()
    hearing.read(said("yes please", ends=True))
    assert hearing.read(said("Yes, please.", ends=True, formatted=True)) == []
    assert hearing.read(said("yes", ends=False)) == []
    assert hearing.read(said("no", 1, ends=True))[2] == heard("no")


def test_final_words_wait_for_their_punctuation() -> None:
    hearing = TurnHearing(formats=True)
    hearing.paused()
    assert hearing.read(said("yes please", ends=True)) == [SpeechStarted(0), SpeechEnded(500)]
    assert hearing.hurry() is None
    assert hearing.read(said("Yes, please.", ends=True, formatted=True)) == [
        heard("Yes, please."),
        TurnEnded(),
    ]
    assert (hearing.held, hearing.owed) == (None, 0)
    assert hearing.read(said("Yes, please.", ends=True, formatted=True)) == []


def test_punctuation_that_does_not_come_is_not_waited_for() -> None:
    hearing = TurnHearing(formats=True)
    hearing.read(said("yes", ends=True))
    assert hearing.read(said("no", 1))[:2] == [heard("yes"), TurnEnded()]
    hearing.read(said("no", 1, ends=True))
    assert hearing.unformatted() == [heard("no"), TurnEnded()]
    assert hearing.unformatted() == []
    assert hearing.read(said("No.", 1, ends=True, formatted=True)) == []


def test_a_pause_that_is_overdue_gets_the_words_that_wait_for_punctuation() -> None:
    hearing = TurnHearing(formats=True)
    hearing.paused()
    hearing.read(said("yes", ends=True))
    assert hearing.overdue() == [heard("yes"), TurnEnded()]
    assert hearing.overdue() == []


def test_a_turn_that_was_forced_is_no_judgement_and_the_next_is_one() -> None:
    hearing = TurnHearing()
    assert hearing.paused() is None
    assert hearing.hurry() is None
    hearing.read(said("yes"))
    assert hearing.hurry() == FORCE_ENDPOINT
    assert hearing.hurry() is None
    assert hearing.read(said("yes", ends=True)) == [SpeechEnded(200), heard("yes")]
    assert hearing.owed == 0
    assert hearing.read(said("no", 1, ends=True))[-1] == TurnEnded()


def test_a_force_that_was_not_answered_does_not_spoil_a_later_judgement() -> None:
    hearing = TurnHearing()
    hearing.read(said("yes"))
    hearing.paused()
    hearing.hurry()
    assert hearing.overdue() == [Transcript("", True)]
    assert hearing.read(said("yes but", ends=True))[-1] == TurnEnded()


def test_without_its_judgement_a_pause_asks_at_once_and_no_turn_ends() -> None:
    hearing = TurnHearing(judges=False)
    assert hearing.paused() == FORCE_ENDPOINT
    assert hearing.hurry() is None
    assert hearing.read(said("yes", ends=True))[-1] == heard("yes")
    assert hearing.read(said("no", 1, ends=True))[-1] == heard("no")


@given(st.integers(0, 3), st.lists(st.booleans(), max_size=6))
def test_pauses_are_answered_once(pauses: int, turns: list[bool]) -> None:
    hearing = TurnHearing()
    for _ in range(pauses):
        hearing.paused()
    events: list[STTEvent] = []
    for order, has_words in enumerate(turns):
        events += hearing.read(said("yes" if has_words else "", order, ends=True))
    empty = [event for event in events if isinstance(event, Transcript) and not event.text]
    finals = [event for event in events if isinstance(event, Transcript)]
    assert len(empty) == bool(pauses and turns and not turns[0])
    assert len(finals) == sum(turns) + len(empty)
    assert len(hearing.overdue()) == bool(pauses and not turns)
    assert hearing.overdue() == []


def test_a_voice_without_words_ends() -> None:
    hearing = TurnHearing()
    hearing.read(json.dumps(messages.speech_started(500)))
    assert hearing.read(json.dumps(messages.speech_started(900))) == []
    assert hearing.passed(2_499) == []
    assert hearing.passed(2_500) == [SpeechEnded(2_500)]
    assert hearing.passed(9_000) == []
    hearing.read(said("yes"))
    assert hearing.passed(60_000) == [], "it has words, and ends with its turn"


@pytest.mark.parametrize(
    "body",
    [
        messages.heartbeat(1_000, 1_000, 0.1),
        messages.silence(0, 1_000),
        {"type": "SpeakerRevision", "revisions": []},
        {"type": "Novelty"},
        {},
    ],
)
def test_what_is_no_news_is_none(body: dict[str, Any]) -> None:
    assert TurnHearing().read(json.dumps(body)) == []


def test_a_warning_is_logged_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    hearing = TurnHearing(secret="hunter2")
    assert hearing.read(json.dumps(messages.warning(1, "hunter2 is slow"))) == []
    assert "AssemblyAI warns: ... is slow" in caplog.text


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[1]",
        b"\x00",
        '{"type": "Turn"}',
        said("yes").replace("200", "true"),
        said("yes").replace('"words": [', '"words": [1, '),
        '{"type": "SpeechStarted", "timestamp": "soon"}',
        '{"type": "SpeechStarted", "timestamp": 1e999}',
    ],
)
def test_garbage_is_an_error_that_says_so(message: str | bytes) -> None:
    with pytest.raises(PatterError, match="AssemblyAI sent") as raised:
        TurnHearing().read(message)
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


def test_an_error_does_not_repeat_the_secret() -> None:
    message = json.dumps(messages.error(1008, "hunter2 is not authorized"))
    with pytest.raises(PatterError, match=r"\.\.\. is not authorized") as raised:
        TurnHearing(secret="hunter2").read(message)
    assert "hunter2" not in str(raised.value)


def test_a_session_that_is_terminated_unasked_has_ended() -> None:
    with pytest.raises(PatterError, match="terminated") as raised:
        TurnHearing().read(json.dumps(messages.termination(1, 1)))
    assert raised.value.code is ErrorCode.CONNECTION


def test_an_error_without_type_or_code_is_one() -> None:
    with pytest.raises(PatterError, match="no such luck"):
        TurnHearing().read('{"error": "no such luck"}')


# --- codes


@pytest.mark.parametrize(
    ("code", "words", "expected", "fix"),
    [
        (1008, "Unauthorized Connection: Missing Authorization header", "AUTH", "export"),
        (1008, "Unauthorized Connection: Insufficient account balance", "AUTH", "add credit"),
        (1008, "Unauthorized Connection: Too many concurrent sessions", "RATE_LIMIT", "fewer"),
        (3005, "Session Cancelled: An error occurred", "CONNECTION", "connects again"),
        (3006, "User Input Validation Error: speech_model", "CONFIG", "check model"),
        (3006, "Invalid Message Type: Hurry", "PROVIDER_ERROR", "update"),
        (3006, "Invalid JSON: {", "PROVIDER_ERROR", "update"),
        (3007, "Input Duration Violation: 20 ms", "PROVIDER_ERROR", "update"),
        (3007, "Audio Transmission Rate Exceeded: Received 400 sec.", "CONNECTION", "again"),
        (3008, "Session Expired: Maximum session duration exceeded", "CONNECTION", "again"),
        (3009, "Unauthorized Connection: Too many concurrent sessions", "RATE_LIMIT", "fewer"),
        (4000, "", "CONFIG", "check model"),
        (4001, "", "AUTH", "export"),
        (4002, "", "AUTH", "add credit"),
        (4003, "", "AUTH", "add credit"),
        (4004, "", "CONNECTION", "again"),
        (4029, "", "CONNECTION", "again"),
        (4031, "", "CONNECTION", "again"),
        (4034, "", "PROVIDER_ERROR", "update"),
        (4101, "", "PROVIDER_ERROR", "update"),
        (4102, "", "RATE_LIMIT", "fewer"),
        (4103, "", "CONNECTION", "again"),
        (1013, "", "CONNECTION", "again"),
    ],
)
def test_a_code_says_who_must_do_what(code: int, words: str, expected: str, fix: str) -> None:
    for error in (failed(code, words), hung_up(code, words)):
        assert (error.code, fix in error.fix) == (expected, True)
        assert str(code) in error.message and words in error.message


def test_every_code_of_the_sdk_has_a_meaning() -> None:
    for code in models.RealTimeErrorCodes:
        assert hung_up(code, "").message.startswith("AssemblyAI ")
        assert f"({code})" in hung_up(code, "").message
    assert hung_up(None, "").code is hung_up(1006, "").code is ErrorCode.CONNECTION
    assert failed(None, "x").code is ErrorCode.PROVIDER_ERROR
    assert len(failed(3005, "x" * 5_000).message) < 300


# --- audio

formats = st.sampled_from([MULAW_8K, PCM16_8K, PCM16_16K])


@given(formats, st.lists(st.integers(0, 40_000), max_size=12))
def test_audio_is_cut_as_assemblyai_takes_it(audio: AudioFormat, sizes: list[int]) -> None:
    frames = AudioFrames(audio)
    parts = [bytes(at % 251 for at in range(size)) for size in sizes]
    sent = [frame for part in parts for frame in frames.take(part)]
    assert all(LEAST_MS <= audio.ms_in(len(frame)) <= MOST_MS for frame in sent)
    assert all(len(frame) % audio.sample_bytes == 0 for frame in sent)
    whole = b"".join(parts)
    assert whole.startswith(b"".join(sent))
    left = len(whole) - sum(map(len, sent))
    assert audio.ms_in(left - left % audio.sample_bytes) < LEAST_MS


def test_audio_of_a_call_goes_as_it_comes() -> None:
    audio = bytes(480)
    (frame,) = AudioFrames(MULAW_8K).take(audio)
    assert len(frame) == 480


# --- what is said is what the SDK says


@pytest.mark.parametrize(
    ("message", "model"),
    [
        (TERMINATE, models.TerminateSession),
        (FORCE_ENDPOINT, models.ForceEndpoint),
        (KEEP_ALIVE, models.KeepAlive),
    ],
)
def test_a_message_is_one_of_the_sdk(message: str, model: Any) -> None:
    assert json.loads(message) == model().model_dump()
