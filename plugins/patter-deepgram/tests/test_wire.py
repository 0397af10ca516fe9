"""The protocols as pure functions and states, checked without a socket."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.errors import ErrorCode
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded, Word
from patter_deepgram import _flux, _nova, _speak
from patter_deepgram._errors import failed, hung_up
from patter_deepgram._nova import NovaHearing
from patter_deepgram.double import messages

from .sdk import listen_v1, listen_v2, speak_v1, speak_v2
from .test_double import unknown_in

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1)
times = st.integers(0, 10**7)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    marks = sorted(draw(st.lists(times, min_size=2, max_size=12)))
    words = [
        Word(draw(texts), start, end) for start, end in zip(marks[::2], marks[1::2], strict=False)
    ]
    text = " ".join(word.text for word in words)
    return Transcript(text, draw(st.booleans()), words[-1].end_ms, 0.98, tuple(words))


def results(heard: Transcript, **more: Any) -> str:
    body = messages.results(heard, start_ms=0, end_ms=heard.end_ms or 0, model="nova-3", **more)
    return json.dumps(body)


def turn(event: str, text: str, end_ms: int = 500, trigger: str = "", start_ms: int = 0) -> str:
    words = [Word(each, start_ms, end_ms) for each in text.split()]
    return json.dumps(
        messages.turn_info(
            event, 0, words, start_ms=start_ms, end_ms=end_ms, confidence=0.5, trigger=trigger
        )
    )


# --- Nova


@given(transcripts())
def test_what_nova_says_is_what_is_heard(heard: Transcript) -> None:
    assert NovaHearing().read(results(heard)) == [heard]


@given(st.integers(0, 3), st.lists(st.booleans(), max_size=8))
def test_each_pause_has_one_answer(pauses: int, answers: list[bool]) -> None:
    hearing, empty = NovaHearing(), Transcript("", True, 0)
    for _ in range(pauses):
        assert hearing.paused() == _nova.FINALIZE
    heard = [hearing.read(results(empty, from_finalize=asked)) for asked in answers]
    assert sum(map(len, heard)) == min(pauses, sum(answers))
    assert len(hearing.overdue()) == (1 if pauses > sum(answers) else 0)
    assert hearing.overdue() == [] and hearing.owed == 0


def test_the_late_end_of_an_utterance_does_not_end_the_next_voice() -> None:
    hearing = NovaHearing()
    started = json.dumps(messages.speech_started(2_000))
    assert hearing.read(json.dumps(messages.speech_started(0))) == [SpeechStarted(0)]
    assert hearing.read(started) == [SpeechStarted(2_000)]
    assert hearing.read(json.dumps(messages.utterance_end(900))) == []
    assert hearing.read(json.dumps(messages.utterance_end(2_500))) == [SpeechEnded(2_500)]
    assert hearing.read(json.dumps(messages.utterance_end(2_500))) == []


def test_words_have_their_punctuation() -> None:
    heard = Transcript("yes", True, 500, words=(Word("yes", 0, 500),))
    body = json.loads(results(heard, punctuated=True))
    body["channel"]["alternatives"][0]["words"][0]["punctuated_word"] = "Yes."
    (read,) = NovaHearing().read(json.dumps(body))
    assert isinstance(read, Transcript) and read.words[0].text == "Yes."


# --- Flux


def test_an_unknown_trigger_is_a_judgement_and_ours_is_none() -> None:
    hearing = _flux.FluxHearing()
    assert hearing.read(turn("EndOfTurn", "yes", trigger="telepathy"))[-1] == TurnEnded()
    assert TurnEnded() not in hearing.read(turn("EndOfTurn", "yes", trigger="manual"))
    assert hearing.read(turn("EndOfTurn", "yes"))[-1] == TurnEnded()
    hearing.read(turn("StartOfTurn", ""))
    hearing.paused()
    assert hearing.hurry() == _flux.FORCE_END
    assert TurnEnded() not in hearing.read(turn("EndOfTurn", "yes"))


def test_a_turn_without_words_ends_nothing() -> None:
    hearing = _flux.FluxHearing()
    assert hearing.read(turn("EndOfTurn", "", trigger="timeout")) == []
    hearing.paused()
    assert hearing.read(turn("EndOfTurn", "")) == [Transcript("", True, 500)]
    assert hearing.overdue() == []


def test_words_that_have_not_changed_are_no_news() -> None:
    hearing = _flux.FluxHearing()
    assert len(hearing.read(turn("Update", "yes"))) == 1
    assert hearing.read(turn("Update", "yes", 900)) == []
    assert hearing.hurry() is None
    hearing.paused()
    assert hearing.hurry() == _flux.FORCE_END


def test_a_voice_begins_with_its_first_word() -> None:
    hearing = _flux.FluxHearing()
    assert hearing.read(turn("StartOfTurn", "yes", 900, start_ms=700))[0] == SpeechStarted(700)
    assert hearing.read(turn("TurnResumed", "yes", 1_500, start_ms=700)) == [SpeechStarted(1_500)]


def test_words_without_times_end_with_what_was_heard() -> None:
    body = json.loads(turn("Update", "yes please", 900))
    for word in body["words"]:
        del word["start"], word["end"]
    (heard,) = _flux.FluxHearing().read(json.dumps(body))
    assert isinstance(heard, Transcript) and (heard.end_ms, heard.words) == (900, ())


# --- garbage

hearings = st.sampled_from([NovaHearing, _flux.FluxHearing])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
kinds = st.sampled_from(
    ["Results", "SpeechStarted", "UtteranceEnd", "Error", "TurnInfo", "ConfigureFailure", "?"]
)
names = st.sampled_from(
    ["channel", "start", "duration", "alternatives", "words", "timestamp", "last_word_end",
     "transcript", "event", "audio_window_end", "code", "description", "variant", "is_final"]
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)


@given(hearings, kinds, st.dictionaries(names, values, max_size=6))
def test_a_message_that_is_wrong_inside_is_an_error_of_ours(
    hearing: Any, kind: str, fields: dict[str, Any]
) -> None:
    message = json.dumps({**fields, "type": kind})
    try:
        hearing().read(message)
    except PatterError as error:
        assert error.fix


@given(hearings, st.text() | st.binary())
def test_what_is_no_message_is_an_error_of_ours(hearing: Any, message: str | bytes) -> None:
    try:
        hearing().read(message)
    except PatterError as error:
        assert error.code is ErrorCode.PROVIDER_ERROR


# --- what is sent


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (listen_v1.ListenV1KeepAlive, _nova.KEEP_ALIVE),
        (listen_v1.ListenV1Finalize, _nova.FINALIZE),
        (listen_v1.ListenV1CloseStream, _nova.CLOSE),
        (listen_v1.ListenV1Configure, _nova.configure(["basil"], {"numerals": True})),
        (listen_v1.ListenV1Configure, _nova.configure([], None)),
        (listen_v2.ListenV2CloseStream, _flux.CLOSE),
        (listen_v2.ListenV2ForceEndTurn, _flux.FORCE_END),
        (
            listen_v2.ListenV2Configure,
            _flux.configure(
                keyterms=["basil"],
                language_hints=["en"],
                numerals=True,
                thresholds={
                    "eot_threshold": 0.8, "eager_eot_threshold": 0.5, "eot_timeout_ms": 900,
                },
            ),
        ),
        (speak_v1.SpeakV1Text, _speak.speak("one")),
        (speak_v1.SpeakV1Flush, _speak.FLUSH),
        (speak_v1.SpeakV1Clear, _speak.AURA.cancel),
        (speak_v1.SpeakV1Close, _speak.CLOSE),
        (speak_v2.SpeakV2Speak, _speak.speak("one")),
        (speak_v2.SpeakV2Flush, _speak.FLUSH),
        (speak_v2.SpeakV2Interrupt, _speak.FLUX.cancel),
        (speak_v2.SpeakV2Close, _speak.CLOSE),
    ],
)  # fmt: skip
def test_the_sdk_knows_what_is_sent(model: Any, message: str) -> None:
    read = model.model_validate_json(message)
    assert unknown_in(read) == []
    assert json.loads(message)["type"] == read.type


def test_what_is_not_given_is_left_as_it_is() -> None:
    assert json.loads(_nova.configure(None, None)) == {"type": "Configure"}
    nothing = _flux.configure(
        keyterms=None, language_hints=None, numerals=None, thresholds={"eot_threshold": None}
    )
    assert json.loads(nothing) == {"type": "Configure"}


# --- speaking


@given(st.text(max_size=300), st.integers(1, 40))
def test_a_long_text_loses_nothing_but_blanks(text: str, longest: int) -> None:
    parts = _speak.pieces(text, longest)
    assert all(0 < len(part) <= longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 900)), max_size=60))
def test_no_minute_has_more_than_aura_takes(steps: list[tuple[int, int]]) -> None:
    budget, now, sent = _speak.Budget(_speak.AURA, 0), 0, list[tuple[int, int]]()
    for wait, letters in steps:
        now += wait
        if budget.takes(letters, now):
            budget.spend(letters, now)
            sent.append((now, letters))
    for at, _ in sent:
        minute = [letters for when, letters in sent if at <= when < at + 60_000]
        assert len(minute) <= 20 and sum(minute) <= 2_400


def test_a_minute_later_aura_takes_as_much_again() -> None:
    budget = _speak.Budget(_speak.AURA, 0)
    for _ in range(20):
        assert budget.takes(1, 0)
        budget.spend(1, 0)
    assert not budget.takes(1, 59_999) and budget.takes(1, 60_000)
    assert not budget.takes(1, 3_300_000)
    assert _speak.Budget(attrs.evolve(_speak.FLUX), 0).takes(10**6, 3_299_999)


@given(st.lists(st.binary(max_size=9)))
def test_audio_survives_any_cut_in_whole_samples(chunks: list[bytes]) -> None:
    progress = _speak.Progress(2)
    progress.sent("one")
    spoken = [speech for chunk in chunks if (speech := progress.audio(chunk))]
    sound = b"".join(chunks)
    assert b"".join(speech.audio for speech in spoken) == sound[: len(sound) // 2 * 2]
    assert [speech.text for speech in spoken] == ["one", *[""] * (len(spoken) - 1)][: len(spoken)]
    assert all(len(speech.audio) % 2 == 0 for speech in spoken)


# --- codes


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (1011, "Deepgram did not receive audio. See https://dpgr.am/net0001", "CONNECTION"),
        (1011, "NET-0003", "CONNECTION"),
        (1008, "DATA-0000", "PROVIDER_ERROR"),
        (1008, "DATA-0001: too many characters", "RATE_LIMIT"),
        (1009, "BIG-0001", "PROVIDER_ERROR"),
        (1006, "", "CONNECTION"),
        (None, "", "CONNECTION"),
    ],
)
def test_the_reason_of_a_close_has_its_meaning(code: Any, reason: str, expected: str) -> None:
    error = hung_up(code, reason)
    assert error.code == expected and error.fix


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CONFIGURE_KEYTERMS_NOT_SUPPORTED", "CONFIG"),
        ("CONFIGURE_INTERNAL_ERROR", "CONNECTION"),
        ("CONFIGURE_ALREADY_PENDING", "PROVIDER_ERROR"),
        ("INACTIVE_CLIENT", "CONNECTION"),
        ("NOVELTY", "PROVIDER_ERROR"),
    ],
)
def test_a_code_has_its_meaning(code: str, expected: str) -> None:
    assert failed(code, "words").code == expected


@pytest.mark.parametrize("hearing", [NovaHearing, _flux.FluxHearing])
def test_an_error_whose_fix_is_a_setting_stays_one(hearing: Any) -> None:
    code = "CONFIGURE_KEYTERMS_NOT_SUPPORTED"
    message = json.dumps({"type": "Error", "code": code, "description": ""})
    with pytest.raises(PatterError) as caught:
        hearing().read(message)
    assert caught.value.code is ErrorCode.CONFIG
