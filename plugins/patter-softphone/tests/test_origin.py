"""Only our own page, under our own name, may use a visitor's browser to call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_softphone._origin import is_ours


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://red-fox.example.com", "red-fox.example.com"),
    ],
)
def test_our_page_under_our_name_may_call(origin: str | None, host: str) -> None:
    assert is_ours(origin, host, "red-fox.example.com")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example.net", "127.0.0.1:8080"),
        ("http://127.0.0.1:9999", "127.0.0.1:8080"),
        ("null", "127.0.0.1:8080"),
        ("http://evil.example.net:8080", "evil.example.net:8080"),
        (None, "evil.example.net:8080"),
        (None, ""),
        (None, "[::1"),
    ],
)
def test_a_foreign_page_or_name_may_not(origin: str | None, host: str) -> None:
    assert not is_ours(origin, host, "red-fox.example.com")


@given(st.text() | st.just("http://["), st.text() | st.just("127.0.0.1"))
def test_no_header_however_odd_breaks_the_check(origin: str, host: str) -> None:
    assert is_ours(origin, host, "") in (True, False)
