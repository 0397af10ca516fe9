"""Secrets travel over https, or not off this machine."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.endpoint import LOOPBACK, endpoint
from patter.errors import PatterConfigError

checked = partial(endpoint, "Parrot")


@pytest.mark.parametrize(
    "given_", ["", "https://eu.parrot.example", "http://127.0.0.1:8000/v1", "http://[::1]:1"]
)
def test_an_address_is_taken_as_it_is_without_its_last_slash(given_: str) -> None:
    assert checked(given_) == checked(given_ + "/" if given_ else "") == given_


@pytest.mark.parametrize(
    "given_",
    [
        "http://parrot.example",
        "parrot.example",
        "ftp://localhost.evil.example",
        "ftp://localhost",
        "//evil.example",
        "https://",
    ],
)
def test_nothing_is_sent_in_clear(given_: str) -> None:
    with pytest.raises(PatterConfigError) as raised:
        checked(given_)
    assert raised.value.message.startswith(f"Parrot's api_base {given_!r}")
    assert raised.value.fix


@given(st.from_regex(r"\A[a-z0-9.-]{1,30}\Z"))
def test_a_host_in_clear_is_this_machine(host: str) -> None:
    if host in LOOPBACK:
        assert checked(f"http://{host}")
    else:
        with pytest.raises(PatterConfigError):
            checked(f"http://{host}")
