"""What is pure: messages, headers, words, the progress of a reply, and what refusals mean."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import ErrorCode, PatterError, RateLimitError
from patter.providers.tts import SpokenWord
from patter_lmnt import _wire
from patter_lmnt._errors import STATUSES, hung_up, of_answer, of_message
from patter_lmnt._options import letters, pieces
from patter_lmnt._progress import Progress
from patter_lmnt._wav import MOST_HEADER, WavHeader
from patter_lmnt._wire import Message, Token
from patter_lmnt._words import NEAR, SentenceWords
from patter_lmnt.double.synthesis import wav_header

KEY = "lmnt-key-1"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


# --- messages


@given(values, st.sampled_from(["timestamps", "flush_complete", "reset_complete", "ready", ""]))
def test_no_message_is_more_than_an_error(value: Any, kind: str) -> None:
    for body in (value, {"type": kind, "nonce": value, "timestamps": value}):
        try:
            message = _wire.decode(json.dumps(body), KEY)
        except PatterError as error:
            assert error.fix
        else:
            assert all(token.end_ms >= 0 for token in message.tokens)


@given(st.text())
def test_no_text_is_more_than_an_error(raw: str) -> None:
    with pytest.raises(PatterError):
        _wire.decode(f"{raw}]", KEY)


def test_what_is_timed_ends_where_it_began_and_lasted() -> None:
    body = {
        "type": "timestamps",
        "timestamps": [
            {"text": "hi", "start": 0.25, "duration": 0.5},
            {"text": "no duration", "start": 0.25},
            {"text": "not a time", "start": True, "duration": 1},
            {"text": "long ago", "start": -1, "duration": 1},
            {"text": " ", "start": 1, "duration": 0},
            "nothing",
        ],
    }
    message = _wire.decode(json.dumps(body), KEY)
    assert message == Message("timestamps", tokens=(Token("hi", 750), Token(" ", 1_000)))
    for nothing in ("null", "{}", '"x"'):
        raw = f'{{"type": "timestamps", "timestamps": {nothing}}}'
        assert _wire.decode(raw, KEY).tokens == ()


def test_a_nonce_is_a_number() -> None:
    assert _wire.decode('{"type": "flush_complete", "nonce": 3}', KEY) == Message(_wire.FLUSHED, 3)
    for nonce in ("null", "true", '"1"', "1.5"):
        with pytest.raises(PatterError):
            _wire.decode(f'{{"type": "reset_complete", "nonce": {nonce}}}', KEY)


def test_nothing_is_sent_as_null() -> None:
    first = _wire.init(KEY, "leah", PCM16_16K, "auto", timestamps=False)
    assert "null" not in first
    body = json.loads(first)
    assert (body["format"], body["sample_rate"]) == ("pcm_s16le", 16_000)


# --- refusals


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("invalid_request_error", ErrorCode.PROVIDER_ERROR),
        ("authentication_error", ErrorCode.AUTH),
        ("payment_required_error", ErrorCode.AUTH),
        ("permission_error", ErrorCode.AUTH),
        ("not_found_error", ErrorCode.CONFIG),
        ("rate_limit_error", ErrorCode.RATE_LIMIT),
        ("internal_server_error", ErrorCode.CONNECTION),
        ("a_new_error", ErrorCode.PROVIDER_ERROR),
    ],
)
def test_an_error_means_the_same_on_a_socket_and_over_http(kind: str, code: ErrorCode) -> None:
    body = {"type": "error", "error": {"message": f"no {KEY} here", "type": kind}}
    errors = [of_message(body, KEY), of_answer(STATUSES.get(kind, 400), body, {}, KEY)]
    for error in errors:
        assert error.code is code
        assert error.fix and KEY not in str(error)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Voice 'leah' is training.", ErrorCode.CONFIG),
        ("voice: Field required.", ErrorCode.CONFIG),
        ("The invoice is too long.", ErrorCode.PROVIDER_ERROR),
    ],
)
def test_a_voice_that_is_not_taken_is_a_setting(words: str, code: ErrorCode) -> None:
    error = of_message({"error": {"message": words, "type": "invalid_request_error"}}, KEY)
    assert error.code is code and words in str(error)


def test_a_key_that_is_repeated_in_a_message_is_in_no_error() -> None:
    for kind in STATUSES:
        # What is said of a key may be a part of it.
        part = KEY[:6] if kind in ("authentication_error", "permission_error") else KEY
        body = {"type": "error", "error": {"message": f"<{part}>", "type": kind}}
        with pytest.raises(PatterError) as raised:
            _wire.decode(json.dumps(body), KEY)
        assert f"<{part}>" not in str(raised.value)


def test_errors_of_the_older_protocol_are_understood() -> None:
    assert of_message({"error": "Invalid API key"}, KEY).code is ErrorCode.AUTH
    assert of_message({"error": "Too long"}, KEY).code is ErrorCode.PROVIDER_ERROR
    assert of_answer(403, {"error": "Invalid API key"}, {}, KEY).code is ErrorCode.AUTH
    with pytest.raises(PatterError):
        _wire.decode('{"error": "Too long"}', KEY)


@given(values)
def test_any_body_of_a_refusal_is_an_error_with_a_fix(body: Any) -> None:
    for status in (400, 401, 402, 403, 404, 409, 422, 429, 500, 503):
        assert of_answer(status, body, {}, KEY).fix
    assert of_message(body if isinstance(body, dict) else {}, KEY).fix


def test_a_request_that_a_validator_refused_is_not_tried_again() -> None:
    body = {"detail": [{"loc": ["body", "voice"], "msg": "Field required", "type": "missing"}]}
    assert of_answer(422, body, {}, KEY).code is ErrorCode.PROVIDER_ERROR


def test_when_to_come_back_is_told() -> None:
    error = of_answer(429, None, {"Retry-After": "2"}, KEY)
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 2_000
    bare = of_answer(429, None, {}, KEY)
    assert isinstance(bare, RateLimitError) and bare.retry_after_ms == 0


def test_a_close_that_no_other_socket_would_escape_is_not_tried_again() -> None:
    assert not hung_up(1002, "").passing and not hung_up(1008, "").passing
    assert hung_up(1000, "").passing and hung_up(None, "").passing


# --- headers


def cut(sound: bytes, sizes: list[int]) -> list[bytes]:
    parts, at = [], 0
    for size in [*sizes, len(sound)]:
        parts.append(sound[at : at + size])
        at += size
    return parts


def stripped(parts: list[bytes]) -> bytes:
    header = WavHeader()
    return b"".join(header.strip(part) for part in parts)


@given(st.binary(min_size=12, max_size=60), st.lists(st.integers(0, 20), max_size=8))
def test_a_header_is_taken_off_however_it_is_cut(sound: bytes, sizes: list[int]) -> None:
    assert stripped(cut(wav_header(MULAW_8K) + sound, sizes)) == sound
    plain = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<I", 17) + bytes(18)
    assert stripped(cut(plain + b"data" + bytes(4) + sound, sizes)) == sound


@given(st.binary(min_size=12, max_size=60), st.lists(st.integers(0, 20), max_size=8))
def test_sound_without_a_header_is_left_as_it_is(sound: bytes, sizes: list[int]) -> None:
    if not (sound.startswith(b"RIFF") and sound[8:12] == b"WAVE"):
        assert stripped(cut(sound, sizes)) == sound
    near = b"RIFF" + sound[:4] + b"WAVY" + sound
    assert stripped(cut(near, sizes)) == near


def test_a_header_without_an_end_is_an_error() -> None:
    endless = b"RIFF" + bytes(4) + b"WAVE" + b"LIST" + struct.pack("<I", MOST_HEADER)
    with pytest.raises(PatterError):
        WavHeader().strip(endless)


# --- words

word = st.text("abcdeé'", min_size=1, max_size=6).filter(letters)
sentence = st.lists(word, min_size=1, max_size=12).map(lambda words: " ".join(words) + ".")


def tokens(text: str, sizes: list[int]) -> list[Token]:
    """*text* in parts of *sizes*, each letter of it 10 ms long."""
    parts, at = [], 0
    for part in cut(text.encode("utf-32-le"), [4 * size for size in sizes]):
        letters_in = part.decode("utf-32-le")
        at += 10 * len(letters_in)
        parts.append(Token(letters_in, at))
    return parts


@given(sentence, st.lists(st.integers(0, 9), max_size=40))
def test_every_word_is_told_once_however_it_is_cut(text: str, sizes: list[int]) -> None:
    ends = list(SentenceWords(text).take(tokens(text, sizes)))
    assert [each for each, _ in ends] == text.split()
    at = 0
    for each, end_ms in ends:
        at = text.index(each, at) + len(letters(each))
        assert end_ms >= 10 * at - 10 * len(each)


def test_a_word_ends_with_the_part_that_completes_it() -> None:
    parts = [Token("Ho", 200), Token("tel", 400), Token(" ", 450), Token("Ritz!", 900)]
    assert list(SentenceWords("Hotel Ritz!").take(parts)) == [("Hotel", 400), ("Ritz!", 900)]


def test_what_is_written_out_costs_no_other_word() -> None:
    parts = [Token("Call", 100), Token("twelve", 300), Token("times", 500)]
    assert list(SentenceWords("Call 12 times").take(parts)) == [("Call", 100), ("times", 500)]


def test_a_part_is_not_looked_for_far_away() -> None:
    text = " ".join(f"w{at}w" for at in range(NEAR + 2))
    assert not list(SentenceWords(text).take([Token(f"w{NEAR}w", 100)]))
    assert list(SentenceWords(text).take([Token(f"w{NEAR - 1}w", 100)]))


@given(sentence, st.lists(st.text("abc ,", max_size=5), max_size=20))
def test_any_parts_tell_only_words_of_the_text_in_order(text: str, parts: list[str]) -> None:
    said = [
        each
        for each, _ in SentenceWords(text).take(Token(part, at) for at, part in enumerate(parts))
    ]
    left = iter(text.split())
    assert all(each in left for each in said)


# --- a reply


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.lists(st.integers(1, 30)))
def test_audio_is_whole_samples_and_belongs_to_its_sentence(
    sizes: list[int], cuts: list[int]
) -> None:
    progress, out = Progress(PCM16_16K), []
    for nonce, _ in enumerate(sizes, 1):
        progress.add(f"s{nonce}", nonce)
    for nonce, size in enumerate(sizes, 1):
        for part in cut(bytes([nonce]) * 2 * size, cuts):
            if part and (speech := progress.hear(part)) is not None:
                out.append(speech)
                assert not len(speech.audio) % 2
        assert progress.end(nonce) and progress.owes == len(sizes) - nonce
    assert [speech.text for speech in out if speech.text] == [
        f"s{nonce}" for nonce, _ in enumerate(sizes, 1)
    ]
    expected = b"".join(bytes([nonce]) * 2 * size for nonce, size in enumerate(sizes, 1))
    assert b"".join(speech.audio for speech in out) == expected


def test_words_of_a_sentence_are_timed_from_where_it_begins() -> None:
    progress = Progress(MULAW_8K)
    progress.add("one two", 1)
    progress.add("three", 2)
    progress.time([Token("one", 20), Token("two", 40)])
    first = progress.hear(bytes(8 * 100))
    assert first is not None and first.words == (SpokenWord("one", 20), SpokenWord("two", 40))
    assert progress.end(1)
    progress.hear(bytes(8 * 100))
    progress.time([Token("three", 50)])
    assert progress.end(2)
    late = progress.rest()
    assert late is not None and late.words == (SpokenWord("three", 150),)
    assert progress.rest() is None


def test_half_a_sample_at_the_end_of_a_sentence_shifts_no_other() -> None:
    progress = Progress(PCM16_16K)
    progress.add("one", 1)
    progress.add("two", 2)
    progress.hear(b"abc")
    assert progress.end(1)
    second = progress.hear(b"de")
    assert second is not None and second.audio == b"de"


def test_times_that_run_back_do_not_make_words_run_back() -> None:
    progress = Progress(MULAW_8K)
    progress.add("one two", 1)
    progress.time([Token("one", 400), Token("two", 200)])
    speech = progress.hear(b"x")
    assert speech is not None and [word.end_ms for word in speech.words] == [400, 400]


def test_a_flush_completes_those_before_it_and_no_other() -> None:
    progress = Progress(MULAW_8K)
    for nonce in (1, 2, 4):
        progress.add("a", nonce)
    progress.hear(b"x")
    assert progress.end(0) and progress.owes == 3
    assert not progress.end(2), "the second had no audio"
    assert progress.nonces == {4}
    assert progress.end(3) and progress.owes == 1


def test_what_nobody_waits_for_is_nothing() -> None:
    progress = Progress(MULAW_8K)
    assert progress.hear(b"x") is None
    progress.time([Token("a", 1)])
    assert progress.rest() is None


@given(st.text("ab ", max_size=60), st.integers(1, 12))
def test_parts_of_a_long_text_are_all_of_it(text: str, longest: int) -> None:
    parts = pieces(text, longest)
    assert all(0 < len(part) <= longest for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
