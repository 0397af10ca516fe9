"""What vendors write into their errors, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, RateLimitError
from patter.vendors.error_bodies import error_in, refused, reported, words
from patter.vendors.errors import VendorErrors

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")


def body(**error: object) -> dict[str, object]:
    return {"error": error}


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (429, {"code": "rate_limit_exceeded"}, ErrorCode.RATE_LIMIT),
        (429, {"code": "insufficient_quota"}, ErrorCode.AUTH),
        (429, {"type": "insufficient_quota", "code": None}, ErrorCode.AUTH),
        (400, {"code": "model_not_found"}, ErrorCode.CONFIG),
        (404, {"code": None}, ErrorCode.CONFIG),
        (400, {"code": "unsupported_parameter"}, ErrorCode.PROVIDER_ERROR),
        (401, {"code": "invalid_api_key"}, ErrorCode.AUTH),
        (500, {"type": "server_error"}, ErrorCode.CONNECTION),
        (500, {"code": "invalid_api_key"}, ErrorCode.CONNECTION),
        (503, {}, ErrorCode.CONNECTION),
    ],
)
def test_the_code_says_more_than_the_status(
    status: int, error: dict[str, object], code: ErrorCode
) -> None:
    assert refused(ERRORS, status, body(**error)).code is code


def test_a_rate_limit_says_when_to_come_back() -> None:
    error = refused(
        ERRORS, 429, body(code="rate_limit_exceeded"), headers={"retry-after-ms": "1500"}
    )
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 1_500


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_is_in_no_error(status: int) -> None:
    told = refused(ERRORS, status, body(message="bad key hunter2"), secret="hunter2")
    assert "hunter2" not in str(told)


def test_a_part_of_a_key_is_not_repeated_either() -> None:
    assert "sk-ab" not in str(refused(ERRORS, 401, body(message="bad key sk-ab***"), secret="x"))


def test_the_vendors_words_are_shown_where_they_help() -> None:
    error = refused(ERRORS, 400, body(message="'temperature' is too high", code="above_maximum"))
    assert "'temperature' is too high [above_maximum]" in str(error)


def test_an_error_without_a_status_has_a_meaning_too() -> None:
    assert reported(ERRORS, {"code": "session_expired"}).passing
    assert not reported(ERRORS, {"code": "invalid_value"}).passing


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.dictionaries(st.text(), x)))
def test_any_body_gives_an_error_with_a_fix(anything: object) -> None:
    assert refused(ERRORS, 400, {"error": anything}).fix
    assert words(error_in({"error": anything})) is not None
