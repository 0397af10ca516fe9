"""The protocols as pure functions and states, checked without a socket."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded, Word
from patter.providers.tts import Speech
from patter_cartesia import _ink, _sonic, _turns
from patter_cartesia._errors import of_answer, of_close, of_event
from patter_cartesia._ink import InkHearing
from patter_cartesia._positions import Positions
from patter_cartesia._progress import Progress
from patter_cartesia._repeats import rest_of
from patter_cartesia._sonic import Chunk, Done, Failed, Flushed, TimedWord, Times
from patter_cartesia._turns import TurnsHearing
from patter_cartesia._words import SentenceWords, letters
from patter_cartesia.double import messages

words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
phrases = st.lists(words, min_size=1, max_size=8).map(" ".join)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def ink(sent_ms: int = 10_000, finalize_ms: float = 1_000) -> InkHearing:
    """Ears that were sent so much audio."""
    positions = Positions(MULAW_8K)
    positions.add(sent_ms * 8)
    return InkHearing(positions, finalize_ms)


def transcript(text: str, *timed: Word, final: bool = True, **more: Any) -> str:
    return json.dumps(messages.transcript(text, timed, final=final, duration_ms=0, **more))


FLUSHED = json.dumps(messages.flush_done())


def finals(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Transcript) and event.final]


# --- Ink, told of pauses


@given(phrases, st.lists(st.integers(1, 40), max_size=6))
def test_finals_are_joined_as_they_are_wherever_they_are_cut(text: str, cuts: list[int]) -> None:
    hearing, at = ink(), 0
    assert hearing.paused(0) == _ink.FINALIZE
    for cut in [*sorted(cuts), len(text)]:
        assert finals(hearing.read(transcript(text[at:cut]), 0)) == []
        at = max(at, cut)
    assert hearing.read(FLUSHED, 0) == [Transcript(text, True)]
    assert hearing.idle and hearing.due_ms is None


@given(st.integers(0, 3), st.integers(0, 5))
def test_each_pause_has_one_answer(pauses: int, answers: int) -> None:
    hearing = ink()
    for _ in range(pauses):
        hearing.paused(0)
    heard = [event for _ in range(answers) for event in hearing.read(FLUSHED, 0)]
    assert heard == [Transcript("", True)] * min(pauses, answers)
    assert len(hearing.overdue()) == (1 if pauses > answers else 0)
    assert hearing.overdue() == []


def test_an_answer_that_is_late_answers_no_later_pause() -> None:
    hearing = ink()
    hearing.paused(0)
    assert hearing.overdue() == [Transcript("", True)]
    hearing.paused(1_000)
    assert hearing.read(FLUSHED, 1_100) == []
    hearing.read(transcript("yes"), 1_200)
    assert hearing.read(FLUSHED, 1_200) == [Transcript("yes", True)]
    hearing.paused(2_000)
    assert hearing.read(FLUSHED, 2_100) == [Transcript("", True)]


def test_an_answer_that_is_lost_delays_two_pauses_and_no_more() -> None:
    hearing = ink()
    hearing.paused(0)
    assert finals(hearing.overdue()) == [""]
    hearing.paused(1_000)
    assert hearing.read(FLUSHED, 1_100) == [], "taken for the one that was lost"
    assert finals(hearing.overdue()) == [""]
    hearing.paused(2_000)
    assert finals(hearing.read(FLUSHED, 2_100)) == [""]


def test_interims_show_the_whole_utterance_and_nothing_twice() -> None:
    hearing = ink()
    hearing.paused(0)
    texts = [
        event.text
        for message in (
            transcript("a ta", final=False),
            transcript("a ta", final=False),
            transcript("a tab"),
            transcript("le for", final=False),
            transcript("le for two"),
            transcript("", final=False),
        )
        for event in hearing.read(message, 0)
        if isinstance(event, Transcript)
    ]
    assert texts == ["a ta", "a tab", "a table for", "a table for two"]


@given(phrases, st.integers(0, 8), st.lists(st.integers(1, 40), max_size=4))
def test_what_was_given_before_its_time_is_not_given_again(
    text: str, known: int, cuts: list[int]
) -> None:
    hearing, heard, at = ink(), list[str](), 0
    hearing.paused(0)
    shown = " ".join(text.split()[:known])
    hearing.read(transcript(shown, final=False), 0)
    heard += finals(hearing.overdue())
    ends = [len(" ".join(text.split()[:cut])) for cut in sorted(cuts)]
    for cut in [*ends, len(text)]:
        hearing.read(transcript(text[at:cut]), 2_000)
        at = max(at, cut)
    heard += finals(hearing.read(FLUSHED, 2_000))
    assert " ".join(heard).split() == text.split()


def test_finals_that_nobody_asked_for_are_final_after_a_while() -> None:
    hearing = ink()
    hearing.read(transcript("one tw"), 100)
    assert hearing.due_ms == 100 + _ink.SETTLE_MS
    hearing.read(transcript("o"), 400)
    assert hearing.due_ms == 400 + _ink.SETTLE_MS
    assert hearing.overdue() == [Transcript("one two", True)]
    assert hearing.due_ms is None and hearing.overdue() == []


@pytest.mark.parametrize("plain", [False, True])
def test_words_have_times_in_the_audio_that_was_sent(plain: bool) -> None:
    hearing = ink()
    timed = (Word("yes", 100, 400), Word("please", 500, 900))
    hearing.paused(0)
    hearing.read(transcript("yes please", *timed, plain=plain), 0)
    assert hearing.read(FLUSHED, 0) == [Transcript("yes please", True, 900, words=timed)]


@pytest.mark.parametrize(
    "timed",
    [
        (Word("yes", 100, 10_500),),
        (Word("yes", 900, 400),),
        (Word("yes", 500, 600), Word("no", 100, 200)),
        (Word("yes", 100, 300),),
    ],
    ids=["ahead", "backwards", "out of order", "before the last final"],
)
def test_times_that_cannot_be_are_not_told(timed: tuple[Word, ...]) -> None:
    hearing = ink()
    hearing.read(transcript("so", Word("so", 0, 350)), 0)
    assert [event.end_ms for event in hearing.overdue() if isinstance(event, Transcript)] == [350]
    hearing.read(transcript("yes", *timed), 0)
    assert hearing.overdue() == [Transcript("yes", True)]


# --- Ink, finding turns


def turn(event: str, text: str | None = None) -> str:
    return json.dumps(messages.turn(event, text))


@given(st.lists(words, min_size=1, max_size=8), st.integers(0, 8))
def test_a_turn_is_told_once_however_it_is_paused(spoken: list[str], at: int) -> None:
    hearing, heard = TurnsHearing(700), list[Any]()
    heard += hearing.read(turn("start"), 0)
    for count in range(1, len(spoken) + 1):
        heard += hearing.read(turn("update", " ".join(spoken[:count])), 0)
        if count == at:
            hearing.paused(0)
            assert hearing.due_ms == 700
            heard += hearing.overdue()
    heard += hearing.read(turn("end", " ".join(spoken)), 0)
    assert " ".join(finals(heard)).split() == spoken
    assert heard.count(TurnEnded()) == 1 and heard[-1] == TurnEnded()
    assert heard.count(SpeechStarted()) == heard.count(SpeechEnded()) == 1
    assert hearing.idle and hearing.due_ms is None


def test_a_turn_without_words_ends_nothing() -> None:
    hearing = TurnsHearing(700)
    hearing.read(turn("start"), 0)
    assert hearing.read(turn("end", ""), 0) == [SpeechEnded()]
    hearing.paused(0)
    assert hearing.read(turn("end", " "), 0) == [Transcript("", True)]
    assert hearing.overdue() == []


def test_a_turn_that_begins_anew_has_forgotten_the_last() -> None:
    hearing = TurnsHearing(700)
    hearing.read(turn("start"), 0)
    hearing.read(turn("update", "yes"), 0)
    hearing.paused(0)
    assert finals(hearing.overdue()) == ["yes"]
    hearing.read(turn("end", "yes"), 0)
    hearing.read(turn("start"), 0)
    assert finals(hearing.read(turn("end", "yes"), 0)) == ["yes"]


def test_news_of_a_connection_is_none() -> None:
    assert TurnsHearing(700).read(json.dumps(messages.connected()), 0) == []
    assert ink().read(json.dumps(messages.done()), 0) == []


@given(garbage, st.sampled_from(["transcript", "flush_done", "turn.update", "turn.end", "x"]))
def test_no_message_breaks_a_recogniser(value: Any, kind: str) -> None:
    whole = {"type": kind, "text": value, "transcript": value, "is_final": value, "words": value}
    for body in (value, whole):
        message = json.dumps(body)
        for hearing in (ink(), TurnsHearing(700)):
            try:
                hearing.read(message, 0)
            except PatterError as error:
                assert error.code is ErrorCode.PROVIDER_ERROR


@given(phrases, st.integers(0, 8))
def test_the_rest_is_what_is_not_given(text: str, count: int) -> None:
    given_words = text.split()[:count]
    assert rest_of(text, " ".join(given_words)).split() == text.split()[count:]
    assert rest_of(text, "") == text


# --- Sonic


SPEAKING = _sonic.Speaking({"model_id": "sonic-3"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SPEAKING.text("c", "one "), {"transcript": "one ", "continue": True}),
        (SPEAKING.flush("c"), {"transcript": "", "continue": True, "flush": True}),
        (SPEAKING.end("c"), {"transcript": "", "continue": False}),
    ],
)
def test_each_message_of_a_context_repeats_its_settings(
    message: str, expected: dict[str, Any]
) -> None:
    assert json.loads(message) == {"model_id": "sonic-3", "context_id": "c", **expected}
    assert json.loads(_sonic.cancel("c")) == {"context_id": "c", "cancel": True}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (messages.chunk("c", b"\x00\xff", 2), Chunk("c", b"\x00\xff", 2)),
        (messages.chunk("c", b"", None), Chunk("c", b"", None)),
        (
            messages.timestamps("c", [Word("yes", 100, 250)], 1),
            Times("c", (TimedWord("yes", 100, 250),), 1),
        ),
        (messages.flushed("c", 3), Flushed("c", 3)),
        (messages.context_done("c"), Done("c")),
        ({"type": "phoneme_timestamps", "context_id": "c"}, None),
        ({"type": "timestamps", "context_id": "c", "word_timestamps": None}, Times("c", ())),
    ],
)
def test_what_sonic_says_is_read(body: dict[str, Any], expected: Any) -> None:
    assert _sonic.decode(json.dumps(body), "k") == expected


def test_an_error_of_a_context_is_read() -> None:
    failed = _sonic.decode(json.dumps(messages.context_error("c", 400, "no sk_1")), "sk_1")
    assert isinstance(failed, Failed) and failed.context == "c"
    assert "no ***" in failed.error.message


@given(garbage, st.sampled_from(["chunk", "timestamps", "flush_done", "done", "error", "x"]))
def test_no_message_breaks_a_voice(value: Any, kind: str) -> None:
    whole = {
        "type": kind, "context_id": "c", "data": value, "flush_id": value,
        "word_timestamps": value, "status_code": value, "title": value, "error_code": value,
    }  # fmt: skip
    for body in (value, whole):
        try:
            _sonic.decode(json.dumps(body), "k")
        except PatterError as error:
            assert error.code is ErrorCode.PROVIDER_ERROR


@given(st.lists(words, min_size=1, max_size=12))
def test_words_are_told_whole_whatever_they_are_timed_in(spoken: list[str]) -> None:
    text = " ".join(spoken)
    for pieces in (spoken, list(text), [f"{word}," for word in spoken]):
        sentence, told = SentenceWords(text), list[str]()
        for at, piece in enumerate(pieces):
            told += [word.text for word in sentence.hear(piece, at) or []]
        assert told == spoken


@given(st.lists(words, max_size=12), st.lists(words, max_size=12))
def test_words_are_those_of_the_sentence_each_once(spoken: list[str], timed: list[str]) -> None:
    sentence, told = SentenceWords(" ".join(spoken)), list[str]()
    for word in timed:
        told += [each.text for each in sentence.hear(word, 1) or []]
    told += [each.text for each in sentence.rest(2)]
    assert told in ([], spoken)


def test_japanese_is_timed_by_its_letters() -> None:
    sentence = SentenceWords("こんにちは。お手伝いします。")
    assert sentence.hear("こ", 100) == [] and sentence.hear("。", 200) is None
    for letter in "んにちはお手伝いしま":
        assert sentence.hear(letter, 300) == []
    assert [word.end_ms for word in sentence.hear("す", 400) or []] == [400]


def progress(*texts: str, audio: Any = MULAW_8K) -> Progress:
    state = Progress(audio)
    state.begin()
    for text in texts:
        state.sent(text)
    return state


def test_half_a_sample_waits_for_the_other() -> None:
    state = progress("one", audio=PCM16_16K)
    assert state.chunk(b"\x01", 1) is None
    assert state.chunk(b"\x02\x03", 1) == Speech(b"\x01\x02", "one")
    assert state.chunk(b"\x04", 1) == Speech(b"\x03\x04")


def test_audio_belongs_to_the_sentence_of_its_number() -> None:
    state = progress("one", "two")
    assert state.chunk(b"aa", 1) == Speech(b"aa", "one")
    assert state.chunk(b"bb", 2) == Speech(b"bb", "two")
    assert state.owes and not state.missed
    state.flushed(2)
    assert not state.owes and not state.missed


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_may_count_from_0(first: int) -> None:
    state = progress("one", "two")
    assert state.chunk(b"aa", first) == Speech(b"aa", "one")
    state.flushed(first)
    assert state.chunk(b"bb", first + 1) == Speech(b"bb", "two")


def test_a_sentence_that_is_skipped_is_missed() -> None:
    state = progress("one", "two")
    state.chunk(b"bb", 2)
    assert state.missed
    state = progress("one")
    state.flushed(1)
    assert state.missed


def test_words_wait_for_their_audio_and_end_with_it() -> None:
    state = progress("one two", "three")
    assert state.times([TimedWord("one", 0, 100)], 1) is None
    first = state.chunk(b"\xff" * 8 * 300, 1)
    assert first is not None and [word.end_ms for word in first.words] == [100]
    assert state.times([TimedWord("three", 350, 500)], 2) is None, "it has not begun"
    rest = state.flushed(1)
    assert rest is not None and [(w.text, w.end_ms) for w in rest.words] == [("two", 300)]
    second = state.chunk(b"\xff" * 8 * 200, 2)
    assert second is not None and [word.end_ms for word in second.words] == [500]


def test_words_never_run_back_nor_past_their_sentence() -> None:
    state = progress("one two", "three")
    state.chunk(b"\xff" * 8 * 300, 1)
    state.times([TimedWord("one", 0, 250), TimedWord("two", 250, 900)], 1)
    state.flushed(1)
    state.chunk(b"\xff" * 8 * 300, 2)
    speech = state.times([TimedWord("three", 300, 500)], 2)
    assert speech is not None and [word.end_ms for word in speech.words] == [900]


def test_words_without_numbers_are_looked_for_in_all_that_was_sent() -> None:
    state = progress("one", "two")
    assert state.chunk(b"\xff" * 8_000, None) == Speech(b"\xff" * 8_000, "one two")
    heard = [state.times([TimedWord(word, 0, at)], None) for word, at in (("one", 5), ("two", 9))]
    assert [[w.text for w in speech.words] for speech in heard if speech] == [["one"], ["two"]]


# --- errors


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, None, ErrorCode.AUTH),
        (403, None, ErrorCode.AUTH),
        (402, None, ErrorCode.AUTH),
        (400, "quota_exceeded", ErrorCode.AUTH),
        (400, "concurrency_limited", ErrorCode.RATE_LIMIT),
        (429, None, ErrorCode.RATE_LIMIT),
        (400, "model_not_found", ErrorCode.CONFIG),
        (404, None, ErrorCode.CONFIG),
        (400, None, ErrorCode.PROVIDER_ERROR),
        (0, None, ErrorCode.PROVIDER_ERROR),
        (408, None, ErrorCode.TIMEOUT),
        (500, None, ErrorCode.CONNECTION),
        (503, None, ErrorCode.CONNECTION),
    ],
)
def test_an_error_has_its_meaning_and_no_key(
    status: int, code: str | None, expected: ErrorCode
) -> None:
    body = {"status_code": status, "error_code": code, "title": "Oh", "message": "for sk_1"}
    for error in (of_event(body, "sk_1"), of_answer(status, body, {}, "sk_1")):
        assert error.code is expected and error.fix
        assert "sk_1" not in str(error)
    assert of_answer(status, "Oh: plain text", {}, "k").code is not None


def test_a_closed_socket_says_why_without_the_key() -> None:
    error = of_close(1011, "sk_1 is over", "sk_1")
    assert error.code is ErrorCode.CONNECTION and "*** is over" in error.message


def test_base64_is_checked() -> None:
    body = {"type": "chunk", "context_id": "c", "data": b64encode(b"abc").decode() + "?"}
    with pytest.raises(PatterError, match="Cartesia sent"):
        _sonic.decode(json.dumps(body), "k")


def test_a_configuration_says_what_changes() -> None:
    assert json.loads(_turns.configure({"end_threshold": 0.1})) == {
        "type": "config",
        "turn": {"end_threshold": 0.1},
    }


@given(st.text())
def test_letters_are_what_is_heard(text: str) -> None:
    assert letters(letters(text)) == letters(text)
    assert letters(f"{text}, {text}!") == letters(text) * 2
