"""What is pure, checked without a socket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError
from patter.audio.formats import PCM16_8K
from patter.errors import RateLimitError
from patter.providers.llm import DoneChunk, TextChunk, UsageChunk
from patter.vendors.utterances import Clip
from patter_groq._errors import ERRORS, ToolUseFailed, refused, span_ms
from patter_groq._reply import GroqReply
from patter_groq._utterance import PREROLL_MS, TAIL_MS, Utterances
from patter_groq.double.chat import chunks
from patter_testing.doubles.chat_turn import Turn

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
FLOOR_DB = -50.0

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    ["x_groq", "error", "usage", "choices", "delta", "code", "status_code", "text", "words"]
)
chunk_like = st.recursive(
    json_values, lambda inner: st.dictionaries(fields, inner, max_size=4), max_leaves=12
)


# Replies.


@given(st.text(min_size=1).filter(str.strip))
def test_a_reply_survives_the_wire(text: str) -> None:
    reply = GroqReply(ERRORS)
    told = [chunk for event in chunks(Turn(text), BODY) for chunk in reply.take(event)]
    assert "".join(chunk.text for chunk in told if isinstance(chunk, TextChunk)) == text
    usage, done = reply.end()
    assert isinstance(usage, UsageChunk) and usage.output_tokens > 0
    assert done == DoneChunk("stop")


@given(chunk_like)
def test_garbage_in_a_reply_is_an_error_of_ours_or_no_news(event: object) -> None:
    try:
        GroqReply(ERRORS).take(event)
    except PatterError as error:
        assert error.fix


def test_tokens_are_told_once_wherever_they_come() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    for events in (
        [{**end, "x_groq": {"usage": usage}}],
        [end, {"choices": [], "usage": usage}],
        [{**end, "x_groq": {"usage": usage}}, {"choices": [], "usage": usage}],
    ):
        reply = GroqReply(ERRORS)
        for event in events:
            assert not reply.take(event)
        assert reply.end() == [UsageChunk(10, 3), DoneChunk("stop")]


def test_a_reply_without_an_end_is_not_complete() -> None:
    with pytest.raises(PatterError) as caught:
        GroqReply(ERRORS).end()
    assert caught.value.code is ErrorCode.CONNECTION


# Refusals.


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"code": "tool_use_failed"}, ErrorCode.PROVIDER_ERROR),
        (400, {"code": "model_decommissioned"}, ErrorCode.CONFIG),
        (400, {"code": "blocked_api_access"}, ErrorCode.AUTH),
        (401, {"code": "invalid_api_key"}, ErrorCode.AUTH),
        (413, {"code": "rate_limit_exceeded", "type": "tokens"}, ErrorCode.PROVIDER_ERROR),
        (422, {"message": "no"}, ErrorCode.PROVIDER_ERROR),
        (429, {"code": "rate_limit_exceeded"}, ErrorCode.RATE_LIMIT),
        (498, {"code": "capacity_exceeded"}, ErrorCode.RATE_LIMIT),
        (503, {"message": "over capacity"}, ErrorCode.CONNECTION),
    ],
)
def test_a_refusal_has_its_meaning(status: int, error: dict[str, Any], code: ErrorCode) -> None:
    told = refused(status, {"error": error})
    assert told.code is code and told.fix


@given(st.integers(400, 599), chunk_like)
def test_any_refusal_is_an_error_with_a_fix(status: int, body: object) -> None:
    assert refused(status, body).fix


@given(st.sampled_from([400, 401, 404, 413, 429, 498, 500]))
def test_the_key_is_in_no_refusal(status: int) -> None:
    for code in ("tool_use_failed", "model_not_found", "blocked_api_access", "x"):
        error = {"message": "gsk_1 is bad", "failed_generation": "gsk_1", "code": code}
        told = refused(status, {"error": error}, secret="gsk_1")
        assert "gsk_1" not in f"{told} {told.__cause__}"


def test_a_tool_call_that_is_none_is_told_apart() -> None:
    assert isinstance(refused(400, {"error": {"code": "tool_use_failed"}}), ToolUseFailed)


@given(st.integers(0, 50), st.integers(0, 59), st.integers(0, 59_999))
def test_a_span_is_read_as_groq_writes_it(hours: int, minutes: int, ms: int) -> None:
    assert span_ms(f"{hours}h{minutes}m{ms / 1_000}s") == hours * 3_600_000 + minutes * 60_000 + ms


@given(st.text())
def test_what_is_no_span_is_none(text: str) -> None:
    assert span_ms(text) >= 0


@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({}, 0),
        ({"Retry-After": "3"}, 3_000),
        ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "1m2s"}, 62_000),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "1m2s"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2h"}, 7_200_000),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, 0),
    ],
)
def test_when_to_come_back_is_read_from_what_has_run_out(
    headers: dict[str, str], ms: float
) -> None:
    told = refused(429, None, headers)
    assert isinstance(told, RateLimitError) and told.retry_after_ms == ms


# Utterances.

blocks = st.lists(st.tuples(st.booleans(), st.integers(1, 80)), max_size=8)


def sound_of(given: list[tuple[bool, int]]) -> bytes:
    """Stretches of voice and silence, so many blocks of 10 ms each."""
    return b"".join((b"\x00\x20" if loud else b"\x00\x00") * 80 * count for loud, count in given)


@given(blocks, st.integers(50, 4_000))
def test_an_utterance_is_the_same_however_audio_is_cut(
    given: list[tuple[bool, int]], size: int
) -> None:
    sound = sound_of(given)
    whole, cut = (Utterances(PCM16_8K, FLOOR_DB) for _ in range(2))
    whole.feed(sound)
    for at in range(0, len(sound), size):
        cut.feed(sound[at : at + size])
    assert cut.cut() == whole.cut()


@given(blocks)
def test_an_utterance_is_from_its_first_voice_to_its_last(given: list[tuple[bool, int]]) -> None:
    sound, kept = sound_of(given), Utterances(PCM16_8K, FLOOR_DB)
    kept.feed(sound)
    said, total_ms = kept.cut(), len(sound) // 16
    if b"\x20" not in sound:
        assert said == Clip(b"", total_ms, total_ms)
        return
    first, last = sound.index(b"\x20") // 160 * 10, (sound.rindex(b"\x20") + 1) // 160 * 10
    assert (said.start_ms, said.end_ms) == (max(0, first - PREROLL_MS), last)
    assert said.sound == sound[said.start_ms * 16 : min(last + TAIL_MS, total_ms) * 16]


@given(blocks, blocks)
def test_two_utterances_share_no_sound(
    one: list[tuple[bool, int]], two: list[tuple[bool, int]]
) -> None:
    kept = Utterances(PCM16_8K, FLOOR_DB)
    kept.feed(sound_of(one))
    first = kept.cut()
    kept.feed(sound_of(two))
    second = kept.cut()
    if first.sound and second.sound:
        assert first.start_ms + len(first.sound) // 16 <= second.start_ms
        voices = (sound_of(one) + sound_of(two)).count(b"\x20")
        assert (first.sound + second.sound).count(b"\x20") == voices


def test_a_voice_right_after_a_cut_has_the_silence_before_it() -> None:
    kept = Utterances(PCM16_8K, FLOOR_DB)
    kept.feed(sound_of([(True, 20), (False, 50)]))
    first = kept.cut()
    kept.feed(sound_of([(True, 20)]))
    assert len(first.sound) == (200 + TAIL_MS) * 16
    assert kept.cut().start_ms == 200 + TAIL_MS


def test_silence_is_not_kept() -> None:
    kept = Utterances(PCM16_8K, FLOOR_DB)
    for _ in range(100):
        kept.feed(bytes(16_000))
    assert kept.kept_ms == 0 and len(kept._kept) == PREROLL_MS * 16


def test_what_is_quieter_than_the_floor_is_silence() -> None:
    for floor_db, said in ((-50.0, False), (-90.0, True)):
        kept = Utterances(PCM16_8K, floor_db)
        kept.feed(b"\x10\x00" * 800)
        assert bool(kept.cut().sound) is said
