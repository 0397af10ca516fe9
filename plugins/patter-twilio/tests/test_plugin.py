"""The settings: credentials, spec strings, what is shown and what is not."""

from __future__ import annotations

import pytest

from patter import PatterError, PluginRegistry
from patter.errors import PatterConfigError
from patter.plugins.kinds import CARRIER_KIND
from patter_twilio import Twilio

SID = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_missing_token_names_both_ways() -> None:
    with pytest.raises(PatterConfigError) as raised:
        Twilio(account_sid=SID)
    assert raised.value.message == "Twilio has no auth_token"
    assert raised.value.fix == "export TWILIO_AUTH_TOKEN, or Twilio(auth_token=...)"


def test_a_missing_account_names_both_ways() -> None:
    with pytest.raises(PatterConfigError) as raised:
        Twilio(auth_token="t")
    assert raised.value.message == "Twilio has no account_sid"


@pytest.mark.parametrize("sid", ["AC1", "CA" + "0" * 32, "AC" + "z" * 32, SID + "/"])
def test_an_account_is_written_as_twilio_writes_it(sid: str) -> None:
    with pytest.raises(PatterConfigError, match="AC and 32"):
        Twilio(account_sid=sid, auth_token="t")


def test_what_is_given_goes_before_what_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "exported")
    assert Twilio().auth_token == "exported"
    assert Twilio(auth_token="given").auth_token == "given"
    assert Twilio().account == SID


def test_a_spec_string_makes_the_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    made = PluginRegistry().resolve(CARRIER_KIND, "twilio?region=ie1&edge=dublin")
    assert made == Twilio(region="ie1", edge="dublin")
    assert made.hosts == ("api.dublin.ie1.twilio.com",)
    assert Twilio().hosts == ("api.twilio.com",)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("twilio?auth_token=x", "cannot carry 'auth_token'"),
        ("twilio?auth_toke=x", "cannot carry 'auth_token'"),
        ("twilio?regio=ie1", "did you mean 'region'"),
        ("twilio?region=ie1", "needs region and edge"),
        ("twilio/red", "takes no model"),
        ("twilio?api_base=http://api.example.com", "neither https nor on this machine"),
    ],
)
def test_a_wrong_spec_is_told_how_to_be_right(
    spec: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    with pytest.raises(PatterError) as raised:
        PluginRegistry().resolve(CARRIER_KIND, spec)
    assert said in str(raised.value)


def test_what_it_can_do_is_known_without_credentials() -> None:
    assert Twilio.can.warm_transfer
    assert not Twilio.can.dtmf_out
    assert [str(each) for each in Twilio.formats]


def test_a_minute_has_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    registry = PluginRegistry()
    registry.resolve(CARRIER_KIND, "twilio")
    (price,) = [each for each in registry.prices() if each.provider == "twilio"]
    assert (price.kind, price.unit, price.step) == ("carrier", "minutes", 1)
    assert 0 < price.usd < 0.1
