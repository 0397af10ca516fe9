"""``--simulate`` on the command line: agents whose keys are missing, and whose carrier's is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlib_metadata import EntryPoint

from patter.cli import main
from patter.cli.simulate import lines_of
from patter.env import credential, standing_in
from patter.errors import InputError, MissingCredential
from patter.plugins.catalogue import Catalogue, Switches

AGENT = """
import attrs
from patter import Patter
from patter.env import credential
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD

@attrs.frozen(kw_only=True)
class CloudSTT(FakeSTT):
    api_key: str = attrs.field(factory=lambda: credential("CloudSTT", "api_key", None, "NO_KEY"))

phone = Patter(carrier=FakeCarrier(can=CarrierCapabilities(marks=True)))
agent = phone.agent("Be brief.", stt=CloudSTT(), llm=FakeLLM(), tts=FakeTTS(), vad=FakeVAD())
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "keyless_shop.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "keyless_shop:agent"
    sys.modules.pop("keyless_shop", None)


def test_an_agent_without_its_keys_is_loaded_only_to_be_simulated(
    shop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", shop, "--check"]) != 0
    assert "export NO_KEY" in capsys.readouterr().out
    assert main(["serve", shop, "--check", "--simulate"]) == 0


def test_who_has_neither_a_double_nor_a_key_is_told(
    shop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", shop, "--simulate", "--port", "0"]) == 3
    assert "stt 'CloudSTT' has no key, and no simulator that needs none" in capsys.readouterr().err


def test_a_script_nobody_reads_is_a_mistake(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", shop, "--says", "x.txt"]) == 2
    assert "nobody reads --says" in capsys.readouterr().err


def test_a_script_has_a_line_each_time(tmp_path: Path) -> None:
    script = tmp_path / "says.txt"
    script.write_text(" one \n\ntwo\n")
    assert lines_of(str(script)) == ["one", "two"]
    assert lines_of(None) == []
    script.write_bytes(b"\xff\xfe\x00")
    for path in (script, tmp_path / "missing.txt"):
        with pytest.raises(InputError, match="cannot be read"):
            lines_of(str(path))


def test_a_stand_in_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "theirs")
    with standing_in("stand-in"):
        assert credential("X", "api_key", "given", "SOME_KEY") == "given"
        assert credential("X", "api_key", None, "SOME_KEY") == "theirs"
        assert credential("X", "api_key", None, "OTHER_KEY") == "stand-in"
    with pytest.raises(MissingCredential):
        credential("X", "api_key", None, "OTHER_KEY")


def test_doubles_are_advertised_and_are_no_providers() -> None:
    source = iter(
        [
            EntryPoint("parrot", "patter_parrot.plugin", "patter.stt"),
            EntryPoint("parrot", "patter_parrot.double:ParrotDouble", "patter.double"),
        ]
    )
    catalogue = Catalogue(Switches(), source)
    assert [(each.kind, each.name) for each in catalogue.advertised] == [("stt", "parrot")]
    assert [each.entry_point.attr for each in catalogue.doubles] == ["ParrotDouble"]
