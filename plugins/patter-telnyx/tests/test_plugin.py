"""The settings: credentials, spec strings, what is shown and what is not."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from patter import PatterError, PluginRegistry
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterConfigError
from patter.plugins.kinds import CARRIER_KIND
from patter_telnyx import Telnyx
from patter_telnyx.double import TelnyxDouble

KEY = b64encode(bytes(range(32))).decode()
NAMES = ("TELNYX_API_KEY", "TELNYX_CONNECTION_ID", "TELNYX_PUBLIC_KEY")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(NAMES, ("exported", "7", KEY), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [({"connection_id": "7"}, "api_key"), ({"api_key": "k"}, "connection_id")],
)
def test_what_is_missing_names_both_ways(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(PatterConfigError) as raised:
        Telnyx(**given)
    assert raised.value.message == f"Telnyx has no {missing}"
    assert raised.value.fix == f"export TELNYX_{missing.upper()}, or Telnyx({missing}=...)"


def test_a_public_key_may_be_missing_but_not_wrong() -> None:
    assert Telnyx(api_key="k", connection_id="7").public_key == ""
    with pytest.raises(PatterConfigError, match="public_key"):
        Telnyx(api_key="k", connection_id="7", public_key="hunter2")


@pytest.mark.usefixtures("exported")
def test_what_is_given_goes_before_what_is_exported() -> None:
    assert Telnyx().api_key == "exported"
    assert Telnyx(api_key="given").api_key == "given"
    assert (Telnyx().account, Telnyx().public_key) == ("7", KEY)


@pytest.mark.usefixtures("exported")
def test_a_spec_string_makes_the_carrier() -> None:
    made = PluginRegistry().resolve(CARRIER_KIND, "telnyx?codec=l16&l16_big_endian=true")
    assert made == Telnyx(codec="L16", l16_big_endian=True)
    assert Telnyx().hosts == ("api.telnyx.com",)
    assert (Telnyx().formats, Telnyx(codec="L16").formats) == ((MULAW_8K,), (PCM16_16K,))


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("telnyx?api_key=x", "cannot carry 'api_key'"),
        ("telnyx?public_ke=x", "cannot carry 'public_key'"),
        ("telnyx?codek=L16", "did you mean 'codec'"),
        ("telnyx?codec=OPUS", "use one of PCMU, L16"),
        ("telnyx?machine_detection=detect", "use one of premium, greeting_end"),
        ("telnyx?l16_big_endian=maybe", "write l16_big_endian=true or "),
        ("telnyx/red", "takes no model"),
        ("telnyx?api_base=http://api.example.com", "neither https nor on this machine"),
    ],
)
def test_a_wrong_spec_is_told_how_to_be_right(spec: str, said: str) -> None:
    with pytest.raises(PatterError) as raised:
        PluginRegistry().resolve(CARRIER_KIND, spec)
    assert said in str(raised.value)


def test_what_it_can_do_is_known_without_credentials() -> None:
    assert Telnyx.can.dtmf_out
    assert Telnyx.can.warm_transfer
    assert Telnyx.formats == (MULAW_8K, PCM16_16K)


def test_secrets_are_in_no_setting_that_is_shown() -> None:
    double: Any = TelnyxDouble(api_key="hunter2")
    assert "hunter2" not in repr(double)
    assert "hunter2" not in repr(Telnyx(api_key="hunter2", connection_id="7", public_key=KEY))


@pytest.mark.usefixtures("exported")
def test_a_minute_has_a_price() -> None:
    registry = PluginRegistry()
    registry.resolve(CARRIER_KIND, "telnyx")
    (price,) = [each for each in registry.prices() if each.provider == "telnyx"]
    assert (price.kind, price.unit) == ("carrier", "minutes")
    assert 0 < price.usd < 0.1
