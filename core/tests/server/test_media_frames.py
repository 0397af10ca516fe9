"""Parts of a vendor's frames are what they are said to be, or no frame of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.providers.carrier import Dtmf
from patter.server.media_socket import KEYS, key_of, part, text_of

VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
BODIES = st.dictionaries(st.sampled_from(["media", "name"]), VALUES | st.just({"a": 1}))


@given(BODIES)
def test_a_part_is_an_object(body: dict[str, Any]) -> None:
    if isinstance(body.get("media"), dict):
        assert part(body, "media") == body["media"]
    else:
        with pytest.raises(InputError, match="no media"):
            part(body, "media")


@given(BODIES)
def test_a_text_is_there(body: dict[str, Any]) -> None:
    if isinstance(body.get("name"), str) and body["name"]:
        assert text_of(body, "name") == body["name"]
    else:
        with pytest.raises(InputError, match="no name"):
            text_of(body, "name")


@given(st.sampled_from(sorted(KEYS)))
def test_every_key_is_one(digit: str) -> None:
    assert key_of(digit) == Dtmf(digit)


@given(st.text())
def test_nothing_else_is_a_key(text: str) -> None:
    if text not in KEYS:
        with pytest.raises(InputError):
            key_of(text)
