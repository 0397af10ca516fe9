"""Every code of the vendor's, and what can be done about it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from elevenlabs.realtime import RealtimeEvents
from elevenlabs.v_1_speech_to_text_realtime.types.receive_transcription import ReceiveTranscription

from patter.errors import ErrorCode, PatterError
from patter_elevenlabs import _errors, _scribe_wire, _wire

KEY = "sk_secret"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("invalid_api_key", ErrorCode.AUTH),
        ("unauthorized", ErrorCode.AUTH),
        ("quota_exceeded", ErrorCode.AUTH),
        ("subscription_required", ErrorCode.AUTH),
        ("voice_id_does_not_exist", ErrorCode.CONFIG),
        ("model_not_found", ErrorCode.CONFIG),
        ("invalid_input_message", ErrorCode.PROVIDER_ERROR),
        ("max_active_conversations", ErrorCode.RATE_LIMIT),
        ("system_busy", ErrorCode.RATE_LIMIT),
        ("input_timeout_exceeded", ErrorCode.CONNECTION),
    ],
)
def test_a_message_of_a_voice_is_what_it_means(code: str, meaning: ErrorCode) -> None:
    with pytest.raises(PatterError) as raised:
        _wire.decode(json.dumps({"message": f"so it is {KEY}", "error": code, "code": 1008}), KEY)
    assert raised.value.code is meaning
    assert raised.value.fix
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(("number", "meaning"), [(1008, "PROVIDER_ERROR"), (1011, "CONNECTION")])
def test_an_unknown_code_goes_by_its_number(number: int, meaning: str) -> None:
    message = json.dumps({"message": "Something new", "error": "brand_new", "code": number})
    with pytest.raises(PatterError, match="Something new") as raised:
        _wire.decode(message, KEY)
    assert raised.value.code == meaning


SCRIBE = {
    "error": ErrorCode.CONNECTION,
    "auth_error": ErrorCode.AUTH,
    "quota_exceeded": ErrorCode.AUTH,
    "unaccepted_terms": ErrorCode.AUTH,
    "rate_limited": ErrorCode.RATE_LIMIT,
    "queue_overflow": ErrorCode.RATE_LIMIT,
    "resource_exhausted": ErrorCode.RATE_LIMIT,
    "session_time_limit_exceeded": ErrorCode.CONNECTION,
    "input_error": ErrorCode.PROVIDER_ERROR,
    "invalid_request": ErrorCode.PROVIDER_ERROR,
    "chunk_size_exceeded": ErrorCode.PROVIDER_ERROR,
    "insufficient_audio_activity": ErrorCode.CONNECTION,
    "transcriber_error": ErrorCode.CONNECTION,
}


@pytest.mark.parametrize(("kind", "meaning"), SCRIBE.items())
def test_a_message_of_scribe_is_what_it_means(kind: str, meaning: ErrorCode) -> None:
    with pytest.raises(PatterError) as raised:
        _scribe_wire.decode(json.dumps({"message_type": kind, "error": f"so {KEY}"}), KEY)
    assert raised.value.code is meaning
    assert raised.value.fix
    assert KEY not in str(raised.value)


def test_every_error_that_the_vendors_client_knows_is_mapped() -> None:
    known = {
        payload.model_fields["message_type"].default
        for payload in get_args(ReceiveTranscription)
        if "error" in payload.model_fields
    }
    assert known - {"commit_throttled"} == set(SCRIBE)
    events = {event.value for event in RealtimeEvents}
    assert set(SCRIBE) <= events


@pytest.mark.parametrize(
    ("status", "detail", "meaning"),
    [
        # A key of the wrong shape is a 400, one of the right shape a 401.
        (400, {"code": "invalid_api_key", "type": "authentication_error"}, ErrorCode.AUTH),
        (401, {"status": "unauthorized"}, ErrorCode.AUTH),
        (401, {"status": "quota_exceeded", "message": "0 credits"}, ErrorCode.AUTH),
        (403, {"code": "subscription_required"}, ErrorCode.AUTH),
        (404, {"code": "voice_not_found"}, ErrorCode.CONFIG),
        (429, {"status": "too_many_concurrent_requests"}, ErrorCode.RATE_LIMIT),
        (429, {"status": "system_busy"}, ErrorCode.RATE_LIMIT),
        (400, {"status": "brand_new"}, ErrorCode.PROVIDER_ERROR),
        (422, [{"loc": ["body", "text"]}], ErrorCode.PROVIDER_ERROR),
        (500, "oops", ErrorCode.CONNECTION),
    ],
)
def test_an_answer_is_what_it_means(status: int, detail: Any, meaning: ErrorCode) -> None:
    error = _errors.of_answer(status, {"detail": detail}, {}, KEY)
    assert error.code is meaning
    assert error.fix


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_said_about_a_key_is_not_repeated(status: int) -> None:
    detail = {"status": "brand_new", "message": "the key that ends with cret"}
    assert "cret" not in str(_errors.of_answer(status, {"detail": detail}, {}, KEY))
    assert "cret" not in str(_errors.of_code("invalid_api_key", "the key that ends with cret"))


@pytest.mark.parametrize(
    ("code", "reason", "meaning"),
    [
        (1008, "", ErrorCode.PROVIDER_ERROR),
        (1000, "", ErrorCode.CONNECTION),
        (1006, "", ErrorCode.CONNECTION),
        (None, "", ErrorCode.CONNECTION),
        (1008, "quota_exceeded", ErrorCode.AUTH),
        (1000, "commit_throttled", ErrorCode.CONNECTION),
    ],
)
def test_a_close_is_what_it_means(code: int | None, reason: str, meaning: ErrorCode) -> None:
    assert _errors.of_close(code, reason).code is meaning
