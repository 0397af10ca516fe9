"""Signatures are those of Plivo's own SDK, both ways, and nothing else is believed."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils.signature_v3 import (  # type: ignore[import-untyped]
    construct_post_url,
    get_signature_v3,
    validate_v3_signature,
)

from patter.errors import WebhookVerificationError
from patter_plivo._signature import NONCE, SIGNATURE, Signature, signed_text

TOKEN = "a token of nobody"
names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12)
values = st.text(st.characters(codec="utf-8"), max_size=20)
forms = st.dictionaries(names, st.lists(values, min_size=1, max_size=3), max_size=6)
ascii_words = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
queries = st.lists(st.tuples(ascii_words, ascii_words), max_size=4)
nonces = st.from_regex(r"[0-9]{5,20}", fullmatch=True)


def address(query: list[tuple[str, str]]) -> str:
    return "https://phone.example.com/webhooks/plivo/voice" + (
        f"?{urlencode(query, quote_via=quote)}" if query else ""
    )


@given(queries, forms)
def test_what_is_signed_is_what_the_sdk_signs(
    query: list[tuple[str, str]], form: dict[str, list[str]]
) -> None:
    url = address(query)
    assert signed_text(url, form) == construct_post_url(url, dict(form)).decode()


@given(queries, forms, nonces)
def test_what_we_sign_the_sdk_believes_and_what_it_signs_we_believe(
    query: list[tuple[str, str]], form: dict[str, list[str]], nonce: str
) -> None:
    url, signature = address(query), Signature(token=TOKEN)
    ours = signature.sign(url, form, nonce)
    assert validate_v3_signature("POST", url, nonce, TOKEN, ours[SIGNATURE], dict(form))
    theirs = get_signature_v3(TOKEN.encode(), construct_post_url(url, dict(form)).decode(), nonce)
    assert (
        signature.verify(url, form, {SIGNATURE: theirs.decode(), NONCE: nonce}) == theirs.decode()
    )


@given(
    queries,
    st.dictionaries(names, st.lists(values, min_size=1, max_size=3), min_size=1, max_size=6),
    nonces,
    st.data(),
)
def test_any_byte_that_was_changed_is_noticed(
    query: list[tuple[str, str]], form: dict[str, list[str]], nonce: str, data: st.DataObject
) -> None:
    url, signature = address(query), Signature(token=TOKEN)
    headers = signature.sign(url, form, nonce)
    what = data.draw(st.sampled_from(["url", "value", "field", "nonce", "signature", "token"]))
    name = data.draw(st.sampled_from(sorted(form)))
    match what:
        case "url":
            url = url.replace("/voice", "/hangup")
        case "value":
            form = {**form, name: [form[name][0] + "x", *form[name][1:]]}
        case "field":
            form = {**form, "Forged": ["1"]}
        case "nonce":
            headers = {**headers, NONCE: nonce + "1"}
        case "signature":
            given = headers[SIGNATURE]
            at = data.draw(st.integers(0, 41))
            changed = "A" if given[at] != "A" else "B"
            headers = {**headers, SIGNATURE: given[:at] + changed + given[at + 1 :]}
        case "token":
            signature = Signature(token=TOKEN + "x")
    with pytest.raises(WebhookVerificationError, match="signature mismatch"):
        signature.verify(url, form, headers)


@given(st.lists(st.text(max_size=50), max_size=3), st.lists(st.text(max_size=50), max_size=3))
def test_one_good_signature_among_several_is_enough(before: list[str], after: list[str]) -> None:
    url, signature = address([]), Signature(token=TOKEN)
    good = signature.signature(url, {"a": ["b"]}, "12345")
    others = [each.replace(",", "") for each in before]
    header = ",".join([*others, good, *after])
    assert signature.verify(url, {"a": ["b"]}, {SIGNATURE: header, NONCE: "12345"}) == good


@pytest.mark.parametrize("missing", [SIGNATURE, NONCE])
def test_a_webhook_without_proof_is_told_what_it_lacks(missing: str) -> None:
    headers = Signature(token=TOKEN).sign(address([]), {}, "12345")
    del headers[missing]
    with pytest.raises(WebhookVerificationError, match=f"no {missing} on"):
        Signature(token=TOKEN).verify(address([]), {}, headers)


def test_a_mismatch_names_both_hosts_and_no_secret() -> None:
    headers = {SIGNATURE: "x", NONCE: "1", "Host": "b.example.com"}
    with pytest.raises(WebhookVerificationError) as raised:
        Signature(token="hunter2").verify("https://a.example.com/webhooks/plivo/voice", {}, headers)
    assert "signature mismatch on /webhooks/plivo/voice" in str(raised.value)
    assert "now a.example.com, request came through b.example.com" in raised.value.fix
    assert "hunter2" not in str(raised.value) + repr(Signature(token="hunter2"))
