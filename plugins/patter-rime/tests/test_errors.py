"""What Rime's words and codes mean, and what is never repeated of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, PatterError
from patter_rime._errors import of_answer, of_close, of_message

KEY = "k-12345"

# Messages are those of docs.rime.ai/docs/errors.
CASES = [
    (400, "text is too long", ErrorCode.PROVIDER_ERROR),
    (400, "Language xyz is not supported for model coda", ErrorCode.CONFIG),
    (400, "Speaker not found", ErrorCode.CONFIG),
    (401, "invalid api key", ErrorCode.AUTH),
    (401, "empty apikey", ErrorCode.AUTH),
    (401, "Missing Authorization header", ErrorCode.AUTH),
    (401, "invalid subscription", ErrorCode.AUTH),
    (403, "access forbidden", ErrorCode.AUTH),
    (404, "", ErrorCode.CONFIG),
    (429, "Currently at websocket limit", ErrorCode.RATE_LIMIT),
    (500, "internal error", ErrorCode.CONNECTION),
    (500, "speaker not found in cache", ErrorCode.CONNECTION),
    (502, "text normalization engine error", ErrorCode.CONNECTION),
]


@pytest.mark.parametrize(("status", "words", "code"), CASES)
def test_a_status_with_words_has_a_meaning(status: int, words: str, code: ErrorCode) -> None:
    error = of_answer(status, words, key=KEY)
    assert error.code is code and error.fix


@pytest.mark.parametrize(("status", "words", "code"), CASES)
def test_the_same_is_meant_when_an_open_socket_says_it(
    status: int, words: str, code: ErrorCode
) -> None:
    reason = f"{status}: {words}"
    assert of_close(1011, reason, KEY).code is code
    assert of_message(reason, KEY).code is code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Speaker not found", ErrorCode.CONFIG),
        ("Database error", ErrorCode.CONNECTION),
        ("text must be a string", ErrorCode.PROVIDER_ERROR),
        ("", ErrorCode.PROVIDER_ERROR),
    ],
)
def test_a_message_without_a_status_is_known_by_its_words(words: str, code: ErrorCode) -> None:
    assert of_message(words).code is code


@pytest.mark.parametrize("reason", ["", "going away", "4000 things"])
def test_a_close_that_explains_nothing_may_pass(reason: str) -> None:
    error = of_close(1011, reason, KEY)
    assert error.code is ErrorCode.CONNECTION and error.passing and "1011" in error.message


def test_an_account_without_a_subscription_needs_no_other_key() -> None:
    error = of_answer(401, "invalid subscription", key=KEY)
    assert "subscription" in error.message and "export" not in error.fix


def test_what_rime_says_of_a_key_is_not_repeated() -> None:
    assert "k-12" not in of_answer(401, "no such key: k-12...", key=KEY).message


@given(
    st.text(max_size=40).filter(lambda text: KEY not in text),
    st.integers(300, 599),
    st.sampled_from(["answer", "message", "close"]),
)
def test_the_key_is_in_no_error(words: str, status: int, where: str) -> None:
    words_with_key = f"{words}{KEY}{words}"
    error: PatterError
    if where == "answer":
        error = of_answer(status, words_with_key, key=KEY)
    elif where == "message":
        error = of_message(f"{status}: {words_with_key}", KEY)
    else:
        error = of_close(1011, words_with_key, KEY)
    assert KEY not in str(error) and error.fix and error.message
