"""The plugin offers its carrier, says what it lacks, and never shows its token."""

from __future__ import annotations

import subprocess
import sys

import pytest

from patter.errors import PatterConfigError, PatterError
from patter.plugins.kinds import CARRIER_KIND
from patter.plugins.registry import PluginRegistry
from patter_plivo import Plivo

ACCOUNT = "MA" + "X" * 18


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIVO_AUTH_ID", ACCOUNT)
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", "hunter2")


@pytest.mark.usefixtures("credentials")
def test_a_spec_names_it_and_its_options() -> None:
    found = PluginRegistry().resolve(
        CARRIER_KIND, "plivo?app_name=shop&hold_url=https://a.example/hold"
    )
    assert found == Plivo(app_name="shop", hold_url="https://a.example/hold")
    assert (found.account, found.hosts) == (ACCOUNT, ("api.plivo.com",))
    assert "hunter2" not in repr(found)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("plivo?app_nam=shop", "did you mean 'app_name'"),
        ("plivo?auth_token=x", "cannot carry 'auth_token'"),
        ("plivo?app_name=a b", "cannot name a Plivo application"),
        ("plivo?api_base=http://evil.example", "neither https nor on this machine"),
        ("plivo/us", "takes no model"),
    ],
)
def test_a_misspelt_spec_is_told_how_to_spell_it(spec: str, said: str) -> None:
    with pytest.raises(PatterError) as raised:
        PluginRegistry().resolve(CARRIER_KIND, spec)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [({}, "auth_id"), ({"auth_id": ACCOUNT}, "auth_token"), ({"auth_token": "x"}, "auth_id")],
)
def test_a_missing_credential_is_named_with_both_ways_to_give_it(
    given: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLIVO_AUTH_ID", raising=False)
    monkeypatch.delenv("PLIVO_AUTH_TOKEN", raising=False)
    with pytest.raises(PatterConfigError) as raised:
        Plivo(**given)
    assert raised.value.message == f"Plivo has no {missing}"
    assert raised.value.fix == f"export PLIVO_{missing.upper()}, or Plivo({missing}=...)"


def test_an_auth_id_that_is_none_is_not_repeated() -> None:
    with pytest.raises(PatterConfigError) as raised:
        Plivo(auth_id="my secret by mistake", auth_token="x")
    assert "my secret" not in str(raised.value)


def test_what_it_can_is_known_without_an_account() -> None:
    assert Plivo.can.warm_transfer
    assert Plivo.can.dtmf_out
    assert str(Plivo.formats[0]) == "mulaw/8k"


@pytest.mark.usefixtures("credentials")
def test_a_minute_has_a_price() -> None:
    registry = PluginRegistry()
    registry.resolve(CARRIER_KIND, "plivo")
    (price,) = [each for each in registry.prices() if each.provider == "plivo"]
    assert (price.kind, price.unit, price.step) == ("carrier", "minutes", 1)
    assert 0 < price.usd < 0.1


def test_asking_what_it_offers_imports_no_http_client() -> None:
    code = "import sys, patter_plivo.plugin; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
