"""Signatures, checked against Twilio's own validator in both directions."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twilio.request_validator import (  # type: ignore[import-untyped]
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
)

from patter.carriers.webhooks import form_fields
from patter.errors import WebhookVerificationError
from patter_twilio._signature import Signature

TOKEN, SHARED = "the token", "the shared key"
ACCOUNT_KEYS = Signature(token=TOKEN, shared=SHARED)
URL = "https://phone.example.com/webhooks/twilio/voice"
NAME = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
forms = st.dictionaries(text.filter(bool), text, max_size=6)
paths = st.from_regex(r"/[a-z]{1,8}(\?[a-z]{1,4}=[a-z0-9%]{0,6})?", fullmatch=True)


def many(form: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in form.items()}


@given(forms, paths)
def test_what_twilios_library_signs_is_believed(form: dict[str, str], path: str) -> None:
    url = f"https://phone.example.com{path}"
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    body = urlencode(form).encode()
    assert ACCOUNT_KEYS.verify(url, form_fields(body), {NAME: signature}) == signature


@given(forms, paths)
def test_what_the_double_signs_twilios_library_believes(form: dict[str, str], path: str) -> None:
    url = f"https://phone.example.com{path}"
    signature = ACCOUNT_KEYS.sign(url, many(form))[NAME]
    assert RequestValidator(TOKEN).validate(url, form, signature)


@given(forms, st.data())
def test_a_changed_value_is_refused(form: dict[str, str], data: st.DataObject) -> None:
    assume(form)
    headers = ACCOUNT_KEYS.sign(URL, many(form))
    name = data.draw(st.sampled_from(sorted(form)))
    changed = {**form, name: data.draw(text.filter(lambda value: value != form[name]))}
    assume("".join(f"{n}{changed[n]}" for n in sorted(form)) != _joined(form))
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL, many(changed), headers)


def _joined(form: dict[str, str]) -> str:
    return "".join(f"{name}{form[name]}" for name in sorted(form))


@given(st.integers(0, 27), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_signature_is_refused(at: int, letter: str) -> None:
    signature = ACCOUNT_KEYS.sign(URL, {"CallSid": ["CA1"]})[NAME]
    assume(signature[at] != letter)
    forged = signature[:at] + letter + signature[at + 1 :]
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL, {"CallSid": ["CA1"]}, {NAME: forged})


def test_another_address_or_another_token_is_refused() -> None:
    headers = ACCOUNT_KEYS.sign(URL, {"a": ["b"]})
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL + "/x", {"a": ["b"]}, headers)
    with pytest.raises(WebhookVerificationError):
        Signature(token="another").verify(URL, {"a": ["b"]}, headers)


def test_a_mismatch_names_both_hosts() -> None:
    with pytest.raises(WebhookVerificationError) as raised:
        ACCOUNT_KEYS.verify(URL + "?call=1", {}, {NAME: "x", "Host": "b.example.com"})
    assert raised.value.message == "signature mismatch on /webhooks/twilio/voice"
    assert "webhook_url must equal the public host: now phone.example.com" in raised.value.fix
    assert "request came through b.example.com" in raised.value.fix
    assert TOKEN not in str(raised.value)


def test_no_signature_at_all_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="no X-Twilio-Signature"):
        ACCOUNT_KEYS.verify(URL, {}, {})


def test_a_repeated_name_counts_with_all_its_values() -> None:
    headers = ACCOUNT_KEYS.sign(URL, {"a": ["1", "2"]})
    assert ACCOUNT_KEYS.verify(URL, {"a": ["2", "1"]}, headers)
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL, {"a": ["1"]}, headers)


@pytest.mark.parametrize("algorithm", [HMAC_SHA1, HMAC_SHA256])
def test_a_shared_key_signs_with_its_own_secret(algorithm: str) -> None:
    signature = RequestValidator(SHARED).compute_signature(URL, {"a": "b"}, algorithm)
    headers = {NAME: signature, SETTINGS: f"key=webhooks_sharedkey_1,algorithm={algorithm}"}
    assert ACCOUNT_KEYS.verify(URL, {"a": ["b"]}, headers) == signature
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL, {"a": ["b"]}, {NAME: signature})


def test_an_unknown_algorithm_is_refused() -> None:
    signature = RequestValidator(SHARED).compute_signature(URL, {"a": "b"})
    headers = {NAME: signature, SETTINGS: "key=k,algorithm=HMAC_MD5"}
    with pytest.raises(WebhookVerificationError):
        ACCOUNT_KEYS.verify(URL, {"a": ["b"]}, headers)


def test_secrets_are_not_shown() -> None:
    assert TOKEN not in repr(ACCOUNT_KEYS)
    assert SHARED not in repr(ACCOUNT_KEYS)
