"""What the vendor's errors become: by their kind, their words, their code."""

from __future__ import annotations

import pytest

from patter.errors import ErrorCode
from patter_elevenlabs._convai_errors import Ended, hung_up, of_end, of_event

EVENTS = {
    "override_error": ErrorCode.CONFIG,
    "missing_dynamic_variable": ErrorCode.CONFIG,
    "missing_dynamic_variable_transfer": ErrorCode.CONFIG,
    "telephony_agent_error": ErrorCode.CONFIG,
    "mcp_https_error": ErrorCode.CONFIG,
    "mcp_tool_error": ErrorCode.CONFIG,
    "invalid_message": ErrorCode.PROVIDER_ERROR,
    "missing_fields": ErrorCode.PROVIDER_ERROR,
    "value_error": ErrorCode.PROVIDER_ERROR,
    "safety_violation": ErrorCode.PROVIDER_ERROR,
    "llm_timeout": ErrorCode.CONNECTION,
    "llm_error": ErrorCode.CONNECTION,
    "custom_llm_error": ErrorCode.CONNECTION,
    "cascade_brain_error": ErrorCode.CONNECTION,
    "asr_transcription_error": ErrorCode.CONNECTION,
    "tts_cascade_error": ErrorCode.CONNECTION,
    "vad_error": ErrorCode.CONNECTION,
    "turn_probability_error": ErrorCode.CONNECTION,
    "transport_receive_timeout": ErrorCode.CONNECTION,
    "asyncio_timeout": ErrorCode.CONNECTION,
    "http_exception": ErrorCode.CONNECTION,
    "redis_timeout_error": ErrorCode.CONNECTION,
    "websocket_disconnect": ErrorCode.CONNECTION,
    "unknown_websocket_crash": ErrorCode.CONNECTION,
    "unknown": ErrorCode.CONNECTION,
}
CLOSES = [
    (1008, "Override for field 'prompt' is not allowed by config.", ErrorCode.CONFIG),
    (1008, "Missing required dynamic variables in tools: {'name'}", ErrorCode.CONFIG),
    (1008, "", ErrorCode.PROVIDER_ERROR),
    (1002, "This request exceeds your quota limit.", ErrorCode.AUTH),
    (1008, "Not enough credits", ErrorCode.AUTH),
    (1008, "too_many_concurrent_requests", ErrorCode.RATE_LIMIT),
    (1008, "quota_exceeded", ErrorCode.AUTH),
    (3000, "invalid_api_key", ErrorCode.AUTH),
    (1008, "Rate limit reached", ErrorCode.RATE_LIMIT),
    (1008, "Unauthorized", ErrorCode.AUTH),
    (3000, "Request error", ErrorCode.CONFIG),
    (3000, "Could not authorize the request", ErrorCode.AUTH),
    (1011, "", ErrorCode.CONNECTION),
    (1006, "", ErrorCode.CONNECTION),
    (None, "", ErrorCode.CONNECTION),
]


@pytest.mark.parametrize(("kind", "code"), EVENTS.items())
def test_an_error_event_means_what_its_kind_says(kind: str, code: ErrorCode) -> None:
    error = of_event({"code": 1002, "error_type": kind, "message": "words"}, "k3y")
    assert error is not None and error.fix
    assert error.code is code


@pytest.mark.parametrize(("code", "reason", "meaning"), CLOSES)
def test_a_close_means_what_it_says(code: int | None, reason: str, meaning: ErrorCode) -> None:
    error = of_end(code, reason, "k3y")
    assert error is not None and error.code is meaning and error.fix
    assert reason in error.message or meaning is ErrorCode.AUTH


def test_a_key_that_the_vendor_repeats_is_not_told() -> None:
    for words in ("no such key: k3y", "Override of k3y", "quota of k3y", "k3y"):
        for error in (of_end(1008, words, "k3y"), of_event({"message": words}, "k3y")):
            assert error is not None and "k3y" not in str(error)


def test_a_close_in_order_is_no_error() -> None:
    assert of_end(1000, "", "k3y") is None
    assert isinstance(hung_up("k3y", 1000, ""), Ended)
    assert not isinstance(hung_up("k3y", 1011, ""), Ended)
    assert of_event({"code": 1000, "error_type": "max_duration_exceeded"}, "k3y") is None


def test_a_safety_violation_is_not_tried_again() -> None:
    error = of_event({"code": 1002, "error_type": "safety_violation", "message": "no"}, "k3y")
    assert error is not None and not error.passing


def test_words_are_cut_short() -> None:
    error = of_end(1008, "x" * 5_000, "k3y")
    assert error is not None and len(error.message) < 300


def test_an_override_error_says_where_to_allow_it() -> None:
    error = of_event({"code": 1008, "error_type": "override_error", "message": "voice_id"}, "k3y")
    assert error is not None and "Security" in error.fix and "voice_id" in error.message


def test_an_error_without_words_or_kind_is_still_one() -> None:
    for body in ({}, {"code": None}, {"code": "many"}):
        error = of_event(body, "k3y")
        assert error is not None and error.fix
