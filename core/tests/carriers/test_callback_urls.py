"""Addresses lead to our public host, bring back what was put in, and are not made without one."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.callback_urls import CallbackUrls, media_path, webhook_path
from patter.errors import PatterConfigError
from patter_testing.switchboard import FakeSwitchboard

URLS = CallbackUrls(FakeSwitchboard("h.example"), "parrot", "Parrot")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), TEXT, max_size=4))
def test_a_webhook_brings_back_every_value_that_is_not_empty(query: dict[str, str]) -> None:
    query.pop("path", None)
    query.pop("self", None)
    parts = urlsplit(URLS.webhook("transfer", **query))
    assert (parts.scheme, parts.netloc) == ("https", "h.example")
    assert parts.path == webhook_path("parrot", "transfer")
    assert dict(parse_qsl(parts.query)) == {name: text for name, text in query.items() if text}


def test_a_unique_address_is_never_the_same_twice() -> None:
    urls = {URLS.unique("again", call="c1") for _ in range(200)}
    assert len(urls) == 200
    assert {dict(parse_qsl(urlsplit(url).query))["call"] for url in urls} == {"c1"}


@given(TEXT.filter(bool))
def test_a_token_stays_one_segment_of_the_media_path(token: str) -> None:
    parts = urlsplit(URLS.media(token))
    assert (parts.scheme, parts.netloc, parts.query) == ("wss", "h.example", "")
    head, _, tail = parts.path.rpartition("/")
    assert head + "/{token}" == media_path("parrot")
    assert unquote(tail) == token


@pytest.mark.parametrize("address", ["webhook", "unique", "media"])
def test_without_a_public_host_there_are_no_addresses(address: str) -> None:
    urls = CallbackUrls(FakeSwitchboard(""), "parrot", "Parrot")
    with pytest.raises(PatterConfigError, match="Parrot has to reach this server") as raised:
        getattr(urls, address)("voice")
    assert "webhook_url" in raised.value.fix
