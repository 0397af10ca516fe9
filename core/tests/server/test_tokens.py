"""Media tokens: what is signed is read back, and nothing else is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import WebhookVerificationError
from patter.server.tokens import MediaClaims, TokenSigner

SIGNER = TokenSigner(b"k" * 32)
URL_SAFE = set(string.ascii_letters + string.digits + "-_.")
claims = st.builds(
    MediaClaims,
    call_id=st.text(max_size=20),
    carrier=st.text(max_size=20),
    account=st.text(max_size=40),
    expires=st.integers(0, 2**40),
)


@given(claims)
def test_what_was_signed_is_what_is_read(claims: MediaClaims) -> None:
    assert SIGNER.read(SIGNER.sign(claims)) == claims


@given(claims)
def test_a_token_can_stand_in_a_path(claims: MediaClaims) -> None:
    assert set(SIGNER.sign(claims)) <= URL_SAFE


@given(claims, st.integers(0, 200), st.sampled_from(sorted(URL_SAFE)))
def test_a_token_changed_anywhere_is_refused(claims: MediaClaims, at: int, to: str) -> None:
    token = SIGNER.sign(claims)
    at %= len(token)
    changed = token[:at] + to + token[at + 1 :]
    if changed != token:
        with pytest.raises(WebhookVerificationError):
            SIGNER.read(changed)


@given(st.text(max_size=60))
def test_any_text_is_refused_with_advice(text: str) -> None:
    with pytest.raises(WebhookVerificationError) as refused:
        SIGNER.read(text)
    assert refused.value.fix


def test_a_missing_token_is_reported_as_missing() -> None:
    with pytest.raises(WebhookVerificationError, match="no token"):
        SIGNER.read("")


def test_another_server_s_token_is_refused() -> None:
    token = TokenSigner().sign(MediaClaims(call_id="1", carrier="tin"))
    with pytest.raises(WebhookVerificationError, match="did not sign"):
        TokenSigner().read(token)


def test_a_huge_token_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(WebhookVerificationError, match="shape"):
        SIGNER.read("v1." + "a" * 100_000)


def test_a_token_is_fresh_until_its_expiry() -> None:
    claims = MediaClaims(call_id="1", carrier="tin", expires=100)
    claims.check_fresh(99.9)
    with pytest.raises(WebhookVerificationError, match="expired 20 s ago"):
        claims.check_fresh(120)


def test_the_key_is_never_printed_and_never_short() -> None:
    assert "kkkk" not in repr(SIGNER)
    with pytest.raises(ValueError, match="16"):
        TokenSigner(b"short")
