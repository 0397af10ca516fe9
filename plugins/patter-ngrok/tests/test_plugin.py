"""A spec string makes the tunnel, and what it is given is checked at once."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, PatterError, PluginRegistry
from patter.plugins.kinds import TUNNEL_KIND
from patter_ngrok import Ngrok

LABEL = r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?"
DOMAINS = st.from_regex(rf"{LABEL}(\.{LABEL}){{1,3}}", fullmatch=True)


def test_a_spec_string_makes_the_tunnel_with_its_options() -> None:
    made = PluginRegistry.from_environment().resolve(TUNNEL_KIND, "ngrok?hostname=rosas.ngrok.app")
    assert made == Ngrok("rosas.ngrok.app")
    made = PluginRegistry.from_environment().resolve(TUNNEL_KIND, "ngrok?api=http://127.0.0.1:4041")
    assert made == Ngrok(api="http://127.0.0.1:4041")


@given(DOMAINS, st.sampled_from(["", "https://"]), st.sampled_from(["", "/"]))
def test_a_domain_is_known_before_and_is_bare(domain: str, scheme: str, end: str) -> None:
    assert Ngrok(f" {scheme}{domain.upper()}{end}\n").hostname == domain


def test_without_a_domain_the_host_is_not_known_before() -> None:
    assert Ngrok().hostname == ""


@pytest.mark.parametrize(
    "hostname",
    [
        "http://rosas.ngrok.app",
        "rosas.ngrok.app/voice",
        "rosas.ngrok.app:443",
        "me@rosas.ngrok.app",
        "rosas.ngrok.app?x=1",
        "rosas ngrok.app",
        "rosas",
        "-rosas.ngrok.app",
        "rosas..app",
        "rosäs.ngrok.app",
        " ",
        "https://",
        "a" * 64 + ".app",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_domain_is_refused_with_an_example(hostname: str) -> None:
    with pytest.raises(PatterError) as caught:
        Ngrok(hostname)
    assert caught.value.code is ErrorCode.CONFIG
    assert "Ngrok(hostname=" in caught.value.fix


@pytest.mark.parametrize(
    "api",
    ["http://127.0.0.1:4041", "http://localhost:4040/", "http://[::1]:4040", "http://127.8.8.8:1"],
)
def test_an_agent_on_this_machine_is_taken(api: str) -> None:
    assert Ngrok(api=api).api == api.rstrip("/")


def test_the_api_may_be_given_as_the_pages_of_ngrok_give_it() -> None:
    assert Ngrok(api="http://127.0.0.1:4040/api") == Ngrok()


@pytest.mark.parametrize(
    "api",
    [
        "http://192.0.2.1:4040",
        "http://ngrok.example.com:4040",
        "http://127.0.0.1.example.com:4040",
        "http://0.0.0.0:4040",
        "https://127.0.0.1:4040",
        "http://127.0.0.1",
        "http://127.0.0.1:0x10",
        "http://127.0.0.1:99999",
        "http://me:hunter2@127.0.0.1:4040",
        "http://127.0.0.1:4040/elsewhere",
        "http://127.0.0.1:4040?x=1",
        "http://[::1:4040",
        "127.0.0.1:4040",
        "",
    ],
)
def test_an_agent_elsewhere_is_refused_without_quoting_it(api: str) -> None:
    with pytest.raises(PatterError) as caught:
        Ngrok(api=api)
    assert caught.value.code is ErrorCode.INPUT_VALIDATION
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1:4040" in caught.value.fix


@pytest.mark.parametrize("option", ["start_s=0", "start_s=soon"])
def test_an_option_that_makes_no_sense_is_named(option: str) -> None:
    with pytest.raises(PatterError, match="start_s"):
        PluginRegistry.from_environment().resolve(TUNNEL_KIND, f"ngrok?{option}")


def test_a_name_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Mole"):
        getattr(sys.modules["patter_ngrok"], "Mole")  # noqa: B009
