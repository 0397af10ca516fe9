"""Signatures, checked against Telnyx's own library in both directions."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from telnyx.lib import WebhookVerificationError as TheirError
from telnyx.lib import verify_webhook_signature

from patter.errors import PatterConfigError, WebhookVerificationError
from patter_telnyx._public_key import DER, read_public_key
from patter_telnyx._signature import SIGNATURE, TIMESTAMP, Signature
from patter_telnyx.double import TelnyxDouble

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(32))
PUBLIC = b64encode(bytes(KEY.verify_key)).decode()
ACCOUNT_KEYS = Signature(bytes(KEY.verify_key))
DOUBLE = TelnyxDouble(signing_key=KEY)
NOW = 1_767_225_600
"""Of our own check; Telnyx's library reads the clock itself."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def signed(body: bytes, stamp: int = NOW, key: SigningKey = KEY) -> dict[str, str]:
    return TelnyxDouble(signing_key=key).sign(body, stamp)


@given(texts)
def test_what_the_double_signs_telnyxs_library_believes_and_so_do_we(text: str) -> None:
    now = int(time.time())
    headers = signed(text.encode(), now)
    verify_webhook_signature(text.encode(), headers, DOUBLE.public_key)
    assert ACCOUNT_KEYS.verify(headers, text.encode(), now)


@given(texts, st.data())
def test_a_body_with_one_byte_changed_is_refused_by_both(text: str, data: st.DataObject) -> None:
    body = bytearray(text.encode())
    assume(body)
    at, now = data.draw(st.integers(0, len(body) - 1)), int(time.time())
    headers = signed(bytes(body), now)
    body[at] ^= data.draw(st.integers(1, 127))
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(headers, bytes(body), now)
    with pytest.raises((TheirError, UnicodeDecodeError)):
        verify_webhook_signature(bytes(body), headers, PUBLIC)


@given(st.integers(0, 63), st.integers(1, 255))
def test_a_signature_with_one_byte_changed_is_refused_by_both(at: int, change: int) -> None:
    now = int(time.time())
    signature = bytearray(ACCOUNT_KEYS.verify(signed(b"x", now), b"x", now))
    signature[at] ^= change
    headers = {SIGNATURE: b64encode(signature).decode(), TIMESTAMP: str(now)}
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(headers, b"x", now)
    with pytest.raises(TheirError):
        verify_webhook_signature(b"x", headers, PUBLIC)


@given(st.integers(NOW - 300, NOW + 30))
def test_a_changed_timestamp_is_refused(stamp: int) -> None:
    assume(stamp != NOW)
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify({**signed(b"x"), TIMESTAMP: str(stamp)}, b"x", NOW)


def test_another_key_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="signature mismatch") as raised:
        ACCOUNT_KEYS.verify(signed(b"x", key=OTHER), b"x", NOW)
    assert "TELNYX_PUBLIC_KEY" in raised.value.fix


@pytest.mark.parametrize(("age", "taken"), [(299, True), (301, False), (-29, True), (-31, False)])
@pytest.mark.parametrize("per_second", [1, 1_000])
def test_only_recent_events_are_taken_in_seconds_and_milliseconds(
    age: int, taken: bool, per_second: int
) -> None:
    headers = signed(b"x", (NOW - age) * per_second)
    if taken:
        assert ACCOUNT_KEYS.verify(headers, b"x", NOW)
    else:
        with pytest.raises(WebhookVerificationError, match=r"old|ahead"):
            ACCOUNT_KEYS.verify(headers, b"x", NOW)


def test_while_a_key_is_replaced_one_signature_of_several_is_enough() -> None:
    old, new = signed(b"x", key=OTHER)[SIGNATURE], signed(b"x")[SIGNATURE]
    for both in (f"{old},{new}", f"{new}, {old}", f"junk,{new}", f",{new},"):
        assert ACCOUNT_KEYS.verify({SIGNATURE: both, TIMESTAMP: str(NOW)}, b"x", NOW)
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify({SIGNATURE: f"{old},{old}", TIMESTAMP: str(NOW)}, b"x", NOW)
    many = ",".join([old] * 8 + [new])
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify({SIGNATURE: many, TIMESTAMP: str(NOW)}, b"x", NOW)


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP])
@pytest.mark.parametrize("value", [None, "", "x", "-1", "1e9", "é", "1" * 40])
def test_headers_that_say_nothing_are_refused(name: str, value: str | None) -> None:
    headers = {**signed(b"x"), name: value}
    told = {key: given for key, given in headers.items() if given is not None}
    with pytest.raises(WebhookVerificationError) as raised:
        ACCOUNT_KEYS.verify(told, b"x", NOW)
    assert raised.value.fix


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_headers_can_break_it(signature: str, stamp: str) -> None:
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify({SIGNATURE: signature, TIMESTAMP: stamp}, b"x", NOW)


def test_a_public_key_is_read_raw_and_as_der() -> None:
    raw = bytes(KEY.verify_key)
    assert read_public_key(b64encode(raw).decode()) == raw
    assert read_public_key(f" {b64encode(DER + raw).decode()}\n") == raw


@pytest.mark.parametrize("text", ["", "hunter2", "é", "AAAA", b64encode(bytes(33)).decode()])
def test_what_is_no_public_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(PatterConfigError) as raised:
        read_public_key(text)
    assert "TELNYX_PUBLIC_KEY" in raised.value.fix
    assert not text or text not in str(raised.value)
