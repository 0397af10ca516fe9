"""``patter explain`` of a phone with a line: whom it reaches, what leaves, stays and costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
from hypothesis import given
from hypothesis import strategies as st
from importlib_metadata import EntryPoints

from patter.cli import main
from patter.cli.explain import _listed, whereto
from patter.cli.out import WIDTH
from patter.plugins.overrides import overriding
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier

BISTRO = """
import attrs
from patter import Patter
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeTunnel, FakeVAD

ABLE = CarrierCapabilities(
    marks=True, outbound=True, cold_transfer=True, sip_transfer=True, warm_transfer=True,
    dtmf_in=True, machine_detection=True, recording=True, price=True,
)

@attrs.frozen(kw_only=True)
class Wire(FakeCarrier):
    name: str = "wire"
    can: CarrierCapabilities = ABLE
    hosts: tuple = ("api.wire.example",)

@attrs.frozen(kw_only=True)
class Mole(FakeTunnel):
    hosts: tuple = ("edge.mole.example",)

def colleagues(target):
    return target.startswith("+49")

pricing = {
    "wire": {"unit": "minute", "price": 0.013},
    "fake": {"unit": "1k_chars", "price": 0.02},
}
phone = Patter(
    carrier=Wire(), phone_number="+15550001234", pricing=pricing, persist=PERSIST, tunnel=Mole()
)
agent = phone.agent(
    "Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(), vad=FakeVAD(),
    transfer_allowed=ALLOWED,
)
"""


@pytest.fixture
def bistro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with bistro.py; no plugin is installed, no record is kept."""
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: EntryPoints())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("PATTER_LOG_DIR", "PATTER_LOG_REDACT_PHONE", "PATTER_TRANSFER_ALLOW"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "bistro.py"
    path.write_text(written())
    sys.modules.pop("bistro", None)
    yield path
    sys.modules.pop("bistro", None)


def written(persist: str = "False", allowed: str = "None", body: str = BISTRO) -> str:
    return body.replace("PERSIST", persist).replace("ALLOWED", allowed)


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    """What stands behind each heading, on one line; none was too long."""
    sys.modules.pop("bistro", None)
    assert main(["explain", "bistro:agent", *words]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= WIDTH
    hosts: dict[str, str] = {}
    head = ""
    for line in out.splitlines():
        head = line[:8].strip() or head
        hosts[head] = f"{hosts.get(head, '')} {line[8:].strip()}".strip()
    return hosts


def value(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    sys.modules.pop("bistro", None)
    assert main(["explain", "bistro:agent", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_carriers_and_the_tunnels_hosts_are_shown(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "audio and numbers api.wire.example; the same through edge.mole.example"
    fakes = "unknown: FakeSTT, FakeLLM, FakeTTS (no host named)"
    assert rows(capsys)["sent to"] == f"{text}; {fakes}"
    assert value(capsys)["sent_to"] == {
        "audio": [],
        "text": [],
        "tools": [],
        "carrier": ["api.wire.example"],
        "tunnel": ["edge.mole.example"],
        "unknown": ["FakeSTT", "FakeLLM", "FakeTTS"],
    }


def test_a_turn_detector_is_part_of_what_is_explained(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = value(capsys)
    assert (without["turns"]["turn_detector"], "votes" in rows(capsys)["turns"]) == ("", False)
    remote = "turn_detector=Judge(), transfer_allowed=ALLOWED"
    judge = """
from patter_testing import FakeTurnDetector

@attrs.frozen(kw_only=True)
class Judge(FakeTurnDetector):
    name: str = "judge"
    hosts: tuple = ("judge.example",)

phone = Patter("""
    body = BISTRO.replace("transfer_allowed=ALLOWED", remote).replace("\nphone = Patter(", judge)
    bistro.write_text(written(body=body))
    assert "pauses up to 1200 ms (judge votes)" in rows(capsys)["turns"]
    told = value(capsys)
    assert told["sent_to"]["audio"] == ["judge.example"]
    assert [edge for edge in told["audio"] if "judge" in str(edge)]


def test_a_tunnel_that_is_not_there_is_to_be_fixed_first(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bistro.write_text(written(body=BISTRO.replace("tunnel=Mole()", "tunnel=True")))
    assert main(["explain", "bistro:agent"]) == 3
    assert "no tunnel is installed" in capsys.readouterr().err


def test_a_line_that_replaces_the_modules_needs_no_tunnel(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bistro.write_text(written(body=BISTRO.replace("tunnel=Mole()", "tunnel=True")))
    with overriding({"carrier": FakeCarrier(can=CarrierCapabilities(marks=True))}):
        assert value(capsys)["sent_to"]["tunnel"] == []


@pytest.mark.parametrize(
    ("allowed", "here", "text"),
    [
        ("'*'", "", "transfers cold, sip, warm anywhere"),
        ("None", "", "transfers cold, sip, warm only to whom prompt, variables or tools name"),
        ("['+4930*', 'sip:*@pbx.example']", "", "warm to +4930*, sip:*@pbx.example"),
        ("[]", "", "warm to nobody"),
        ("colleagues", "", "warm where colleagues() allows"),
        ("'*'", "+4930*, +4940*", "warm to +4930*, +4940*"),
        ("None", "+4930*", "prompt, variables or tools name and only to +4930*"),
        ("colleagues", "+4930*", "warm where colleagues() allows and only to +4930*"),
    ],
)
def test_it_tells_whom_a_caller_may_be_handed_to(
    bistro: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    allowed: str,
    here: str,
    text: str,
) -> None:
    bistro.write_text(written(allowed=allowed))
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", here)
    line = rows(capsys)["carrier"]
    assert line.endswith("; DTMF as tones; answering machine detection")
    assert line.removesuffix("; DTMF as tones; answering machine detection").endswith(text)


def test_a_list_that_cannot_be_read_is_to_be_fixed_first(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", "030")
    assert main(["explain", "bistro:agent"]) == 3
    assert "PATTER_TRANSFER_ALLOW" in capsys.readouterr().err


def test_numbers_on_the_list_are_shown_as_records_would_have_them(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bistro.write_text(written(allowed="['+4930123456']"))
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "mask")
    assert "to ***3456;" in rows(capsys)["carrier"]
    assert value(capsys)["carrier"]["allowed"] == ["***3456"]


def test_a_line_that_can_little_says_so(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    little = BISTRO.replace("= ABLE", "= CarrierCapabilities(dtmf_out=True)")
    bistro.write_text(written(body=little))
    assert (
        rows(capsys)["carrier"]
        == "no transfers; DTMF by the carrier; no answering machine detection"
    )


def test_it_tells_where_recordings_would_stay(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows(capsys)["stored"] == "nothing here; audio with --recording, at wire"
    bistro.write_text(written(persist=repr(str(bistro.parent / "log"))))
    text = "audio only with --recording, at wire, or --local-recording, here;"
    assert text in rows(capsys)["stored"]
    assert value(capsys)["stored"]["recording"] == "wire"


def test_a_minute_has_the_carriers_part_and_verbose_names_each(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows(capsys)["money"].startswith("about $0.02/min; unknown: fake minutes")
    assert value(capsys)["money"]["costs"]["carrier"] == 0.013
    parts = rows(capsys, "--verbose")["money"]
    assert "carrier $0.0130" in parts
    assert "tts $0.0090" in parts
    assert "wire reports what it charged after each call" in parts


def test_the_targets_that_are_certain_before_a_call_are_shown(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = '"Rosa has +49 (0)30 1234-56.", variables={"desk": "sip:desk@pbx.example"}'
    bistro.write_text(written(body=BISTRO.replace('"Be brief."', prompt)))
    assert "tools name: +4930123456, sip:desk@pbx.example;" in rows(capsys)["carrier"]
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "mask")
    line = value(capsys)["carrier"]
    assert (line["allowed"], line["named"][0]) == ("named", "***3456")


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        ("None", "transfers  only to whom prompt, variables or tools name"),
        ("'*'", "transfers  anywhere"),
        ("['+4930*']", "transfers  to +4930*"),
    ],
)
def test_serve_says_so_too(
    bistro: Path, capsys: pytest.CaptureFixture[str], allowed: str, text: str
) -> None:
    bistro.write_text(written(allowed=allowed))
    assert main(["serve", "bistro:agent", "--check"]) == 0
    assert f"  {text}" in capsys.readouterr().err.splitlines()


def test_doctor_warns_of_the_star(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for allowed, level in (("None", "ok"), ("['+4930*']", "ok"), ("'*'", "warn")):
        bistro.write_text(written(allowed=allowed))
        sys.modules.pop("bistro", None)
        main(["doctor", "bistro:agent", "--only", "transfers", "--json"])
        [check] = json.loads(capsys.readouterr().out)["checks"]
        assert (check["name"], check["level"]) == ("transfers", level)
        assert bool(check.get("fix")) is (level == "warn")


patterns = st.lists(st.sampled_from(["+49*", "sip:*@a.example"]))


@given(st.just("f()") | st.just("*") | st.just("named") | patterns, st.none() | patterns)
def test_every_list_there_is_is_shown(mine: Any, theirs: Any) -> None:
    text = whereto({"allowed": mine, "allowed_here": theirs, "named": []})
    lists = [mine if mine not in ("*", "named") else None, theirs]
    assert all(_listed(each) in text for each in lists if each is not None)
    assert (text == "anywhere") == (mine == "*" and theirs is None)


def test_hosts_of_a_brain_elsewhere_and_of_tools_that_are_web_services_are_shown(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services = """transfer_allowed=ALLOWED, llm="https://brain.example/answer",
    tools=[tool(name="book", webhook_url="https://desk.example/book")]"""
    body = BISTRO.replace("transfer_allowed=ALLOWED", services).replace("llm=FakeLLM(), ", "")
    bistro.write_text(written(body="from patter import tool\n" + body))
    leaves = value(capsys)["sent_to"]
    assert "brain.example" in leaves["text"] and leaves["tools"] == ["desk.example"]
    assert "arguments of tools desk.example" in rows(capsys)["sent to"]
