"""``patter doctor``: everything that is wrong at once, each with its fix, and no secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import importlib_metadata
import pytest
from importlib_metadata import EntryPoints

from patter.cli import main
from patter.cli.out import WIDTH

if TYPE_CHECKING:
    from conftest import Shelf

NUMBER = "+15550001234"
CANARIES = {
    "EARS_API_KEY": "Zq7pWv3xKm9tRb2yLd5gHc8nFs4jXu6aVe1o",
    "WIRE_AUTH_TOKEN": "9f3c7a1e5b8d2046ce73ab19",
    "WIRE_ACCOUNT_SID": "XQ0b6e4d8a2c5f7193bd",
    "TTS_SECRET": "uYtReWq-0918-PlMkOnIjB",
}
HEAD = """
import logging
import attrs
from patter import Patter
from patter.env import credential
from patter.errors import AuthenticationError, PatterConnectionError, ProvisionError
from patter.providers.carrier import Advice, NumberSettings
from patter.providers.health import HealthReport
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD

def key(name):
    return attrs.field(
        default=None, repr=False, converter=lambda given: credential("Ears", "api_key", given, name)
    )

@attrs.frozen(kw_only=True)
class Ears(FakeSTT):
    name: str = "ears"
    hosts: tuple = ("api.ears.example",)
    api_key: str = key("EARS_API_KEY")

    async def check(self):
        CHECK

@attrs.frozen(kw_only=True)
class Wire(FakeCarrier):
    name: str = "wire"
    token: str = attrs.field(default="", repr=False)

    async def look_up(self, number):
        LOOK_UP
"""
BISTRO = (
    HEAD
    + """
phone = Patter(carrier=Wire(), phone_number="+15550001234", persist=PERSIST)
agent = phone.agent("Be brief.", stt=Ears(), llm=FakeLLM(), tts=FakeTTS(), vad=FakeVAD())
"""
)


def bistro_with(
    check: str = "return None",
    look_up: str = "return NumberSettings(number=number)",
    persist: str = "False",
    body: str = BISTRO,
) -> str:
    changed = body.replace("CHECK", check).replace("LOOK_UP", look_up)
    return changed.replace("PERSIST", persist)


@pytest.fixture
def bistro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with bistro.py, every key set; no plugin is installed, no record kept."""
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: EntryPoints())
    home = tmp_path / "bistro-home"
    home.mkdir(mode=0o700)
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.setenv("PATTER_LOG_DIR", str(home / "log"))
    monkeypatch.delenv("PATTER_LOG_REDACT_PHONE", raising=False)
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    path = home / "bistro.py"
    path.write_text(bistro_with())
    sys.modules.pop("bistro", None)
    yield path
    sys.modules.pop("bistro", None)


def run_cli(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    sys.modules.pop("bistro", None)
    assert main(["doctor", *words]) == status
    out, err = capsys.readouterr()
    return out, err


def findings(
    capsys: pytest.CaptureFixture[str], *words: str, status: int = 0
) -> dict[str, dict[str, str]]:
    """What was found, by name; one of a name that has several."""
    value = json.loads(run_cli(capsys, *words, "--json", status=status)[0])
    assert value["v"] == 1
    return {each["name"]: each for each in value["checks"]}


# --- a target


def test_all_is_well_is_0_in_a_fixed_order(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = run_cli(capsys, "bistro:agent")
    names = [line.split()[1] for line in out.splitlines() if line.startswith(("ok", "warn"))]
    assert names == ["plugins", "keys", "number", "webhook", "transfers", "records", "environment"]
    assert out.splitlines()[-1].startswith("1 warning, 6 ok   ")
    assert "ears accepted, wire accepted" in out
    assert f"{NUMBER} is on this account, voice enabled" in out
    assert err == ""


def test_a_refused_key_is_1_and_carries_the_vendors_fix(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = (
        "raise AuthenticationError('Ears refused the key in EARS_API_KEY (401)', "
        "fix='create one at ears.example; export EARS_API_KEY')"
    )
    bistro.write_text(bistro_with(check="return HealthReport(text='polly-2')"))
    assert "ears accepted (polly-2), wire" in run_cli(capsys, "bistro:agent")[0]
    bistro.write_text(bistro_with(check=refusal))
    out, _ = run_cli(capsys, "bistro:agent", status=1)
    assert "FAIL  keys         Ears refused the key in EARS_API_KEY (401)" in out
    assert "      fix          create one at ears.example; export EARS_API_KEY" in out
    assert "1 failed, 1 warning, 5 ok" in out


def test_a_missing_key_is_named_and_the_phone_is_looked_at_all_the_same(
    bistro: Path, capsys: pytest.CaptureFixture[str], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add(
        "patter-ears",
        {"stt": "ears"},
        """
        from patter.env import credential

        @hookimpl
        def patter_stt(spec):
            credential("Ears", "api_key", None, "EARS_API_KEY")
        """,
    )
    monkeypatch.setattr(
        importlib_metadata, "entry_points", lambda: EntryPoints(shelf.entry_points())
    )
    monkeypatch.delenv("EARS_API_KEY")
    bistro.write_text(bistro_with(body=BISTRO.replace("stt=Ears()", "stt='ears'")))
    report = findings(capsys, "bistro:agent", status=1)
    assert report["keys"]["text"] == "Ears has no api_key"
    assert report["keys"]["fix"] == "export EARS_API_KEY, or Ears(api_key=...)"
    assert report["number"]["level"] == "ok"


def test_parts_that_are_not_installed_are_reported_one_by_one(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = BISTRO.replace("stt=Ears()", "stt='zip'").replace("tts=FakeTTS()", "tts='zap'")
    bistro.write_text(bistro_with(body=body))
    out, _ = run_cli(capsys, "bistro:agent", "--only", "plugins", status=1)
    assert [line for line in out.splitlines() if line.startswith("FAIL")] == [
        "FAIL  plugins  no stt provider named 'zip' is known",
        "FAIL  plugins  no tts provider named 'zap' is known",
    ]


@pytest.mark.parametrize(
    ("code", "text", "fix"),
    [
        (None, "there is no module 'bistro' here", "run it in the directory of that file"),
        ("1 / 0", "bistro cannot be imported: ZeroDivisionError", "see it whole: "),
        ("agent = 1", "bistro has no Patter object", "write phone = Patter(...) in bistro"),
        (bistro_with() + "agent = 1", "the target is an int, not an agent", "phone.agent(...)"),
        (
            "from patter import Patter\nphone = Patter(phone_number='555')",
            "'555' is not an E.164 number",
            "write it like +15550188000",
        ),
    ],
)
def test_what_cannot_be_loaded_is_a_finding_like_any_other(
    bistro: Path, capsys: pytest.CaptureFixture[str], code: str | None, text: str, fix: str
) -> None:
    bistro.write_text(code) if code is not None else bistro.unlink()
    report = findings(capsys, "bistro:agent", status=1)
    assert text in report["target"]["text"]
    assert fix in report["target"]["fix"]
    assert report["environment"]["level"] == "ok"


@pytest.mark.parametrize(
    ("look_up", "name", "text"),
    [
        ("return NumberSettings(number=number, voice=False)", "number", "takes no voice"),
        ("raise ProvisionError('+15550001234 is not ours', fix='buy it')", "number", "is not ours"),
        ("raise AuthenticationError('refused (401)', fix='mend')", "keys", "refused (401)"),
        ("raise PatterConnectionError('wire is down', fix='wait')", "keys", "wire is down"),
        ("raise KeyError('sid')", "keys", "the check of wire carrier broke: KeyError (bistro.py:"),
    ],
)
def test_what_the_carrier_says_fails_under_the_right_name(
    bistro: Path, capsys: pytest.CaptureFixture[str], look_up: str, name: str, text: str
) -> None:
    bistro.write_text(bistro_with(look_up=look_up))
    report = findings(capsys, "bistro:agent", status=1)
    assert report[name]["level"] == "FAIL"
    assert text in report[name]["text"]
    assert report[name]["fix"]


def test_where_the_number_points_is_compared_with_where_serve_will_set_it(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = "return NumberSettings(number=number, webhook='https://old.example.com/webhooks/x')"
    for expected, level, text in (
        ("webhook_url='old.example.com'", "ok", "number points to old.example.com"),
        ("webhook_url='new.example.com'", "warn", "number points to old.example.com"),
    ):
        body = BISTRO.replace("persist=PERSIST", f"persist=False, {expected}")
        bistro.write_text(bistro_with(look_up=there, body=body))
        report = findings(capsys, "bistro:agent", "--only", "webhook")
        assert (report["webhook"]["level"], report["webhook"]["text"]) == (level, text)
    assert report["webhook"]["fix"] == "patter serve bistro:agent sets it"


def test_what_else_is_set_at_the_carrier_is_advice_and_no_failure(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advice = "advice=(Advice('bills are off', 'turn them on'),)"
    bistro.write_text(bistro_with(look_up=f"return NumberSettings(number=number, {advice})"))
    (report,) = findings(capsys, "bistro:agent", "--only", "settings").values()
    assert (report["level"], report["text"], report["fix"]) == (
        "warn",
        "bills are off",
        "turn them on",
    )


def test_a_line_without_numbers_needs_none(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = BISTRO.replace("Wire()", "Wire(can=attrs.evolve(FakeCarrier().can, outbound=False))")
    bistro.write_text(bistro_with(look_up="raise KeyError('asked')", body=body))
    assert {"number", "webhook"}.isdisjoint(findings(capsys, "bistro:agent"))


def test_numbers_are_shown_as_records_would_have_them(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bistro.write_text(bistro_with(look_up="raise ProvisionError('no ' + number, fix='buy it')"))
    for how in ("mask", "nonsense"):
        monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", how)
        out, _ = run_cli(capsys, "bistro:agent", "--only", "number", status=1)
        assert "no ***1234" in out
        assert NUMBER not in out


def test_only_runs_what_it_names(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bistro.write_text(bistro_with(check="raise KeyError('asked')"))
    assert set(findings(capsys, "bistro:agent", "--only", "environment,records")) == {
        "environment",
        "records",
    }
    assert "did you mean 'number'?" in run_cli(capsys, "--only", "numbr", status=2)[1]


def test_a_wrong_command_line_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert "write bistro:agent" in run_cli(capsys, "bistro", status=2)[1]
    assert "--stt is about a target" in run_cli(capsys, "--stt", "x", status=2)[1]


# --- this machine


def test_without_a_target_every_plugin_is_loaded(
    bistro: Path, capsys: pytest.CaptureFixture[str], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("patter-energy", {"vad": "energy"}, "@hookimpl\ndef patter_vad(spec): ...")
    monkeypatch.setattr(
        importlib_metadata, "entry_points", lambda: EntryPoints(shelf.entry_points())
    )
    assert findings(capsys)["plugins"]["text"] == "energy"
    shelf.add("acme-patter", {"stt": "acme"}, "PATTER_API = 0")
    report = findings(capsys, status=1)
    assert (
        report["plugins"]["text"]
        == "acme-patter 0.1 is built for plugin API 0, this Patter needs 1"
    )
    assert report["plugins"]["fix"] == "pip install --upgrade acme-patter"
    assert findings(capsys, "bistro:agent")["plugins"]["level"] == "warn"


@pytest.mark.parametrize(
    ("code", "level", "text"),
    [
        ("return HealthReport(text='mole 2026.10')", "ok", "mole 2026.10"),
        ("return None", "ok", "mole ready"),
        ("raise PatterConnectionError('no mole on PATH', fix='install')", "warn", "no mole on"),
        ("raise KeyError('x')", "warn", "the check of mole tunnel broke: KeyError"),
    ],
)
def test_without_a_target_each_tunnel_is_tried(
    bistro: Path,
    capsys: pytest.CaptureFixture[str],
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    level: str,
    text: str,
) -> None:
    shelf.add(
        "patter-mole",
        {"tunnel": "mole"},
        f"""
        from patter.errors import PatterConnectionError
        from patter.providers.health import HealthReport

        class Mole:
            def open(self, port): ...
            async def check(self):
                {code}

        @hookimpl
        def patter_tunnel(spec):
            return Mole()
        """,
    )
    monkeypatch.setattr(
        importlib_metadata, "entry_points", lambda: EntryPoints(shelf.entry_points())
    )
    tunnel = findings(capsys)["tunnel"]
    assert (tunnel["level"], text in tunnel["text"]) == (level, True)


def test_a_misspelt_variable_is_shown_and_its_value_is_not(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_LOG_REDCAT_PHONE", "mask-everything")
    out, _ = run_cli(capsys)
    assert "warn  environment  nothing reads PATTER_LOG_REDCAT_PHONE" in out
    assert "did you mean 'PATTER_LOG_REDACT_PHONE'?" in out
    assert "mask-everything" not in out


def test_a_transfer_list_that_cannot_be_read_fails(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", "+4930*, 030 123")
    report = findings(capsys, "--only", "environment", status=1)["environment"]
    assert report["text"].startswith("in PATTER_TRANSFER_ALLOW: ")
    assert "+4930*" in report["fix"]


def test_a_log_root_that_others_read_or_nobody_writes_fails(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bistro.parent / "log"
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    report = findings(capsys, status=1)["records"]
    assert report["text"] == f"the log directory {root} is readable by others (0755)"
    assert report["fix"] == f"chmod 700 {root}"
    monkeypatch.setenv("PATTER_LOG_DIR", str(bistro))
    assert findings(capsys, status=1)["records"]["text"] == f"{bistro} cannot be written to"


def test_looking_at_the_log_root_makes_nothing(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(bistro.parent.iterdir())
    bistro.write_text(bistro_with(persist="None"))
    assert findings(capsys, "bistro:agent")["records"]["text"].endswith("/log")
    after = {path for path in bistro.parent.iterdir() if path.name != "__pycache__"}
    assert sorted(after) == before


# --- secrets

LEAK = """
        import os
        for secret in CANARIES.values():
            logging.getLogger("vendor").warning("key %s...%s", secret[:8], secret[-6:])
            logging.getLogger("vendor").debug("sent %s of %d characters", secret, len(secret))
"""
EXPECTED = """raise AuthenticationError(
            "; ".join(f"bad {s[:5]}***{s[-4:]} ({len(s)} characters)" for s in CANARIES.values()),
            fix="do not send " + CANARIES["TTS_SECRET"],
        )"""
HOW = {
    "refused": EXPECTED,
    "broken": "raise ValueError(repr(CANARIES))",
    "unreachable": "raise PatterConnectionError('https://u:' + CANARIES['TTS_SECRET'], fix='x')",
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("words", [(), ("--json",), ("--verbose",)], ids=str)
def test_no_character_of_a_secret_is_printed_nor_its_length(
    bistro: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    how: str,
    words: tuple[str, ...],
) -> None:
    quiet = "".join(run_cli(capsys, "bistro:agent", *words))
    leak = f"{LEAK.strip()}\n        {HOW[how]}"
    body = f"CANARIES = {CANARIES!r}\n" + BISTRO
    body = body.replace("Wire()", "Wire(token=CANARIES['WIRE_AUTH_TOKEN'])")
    bistro.write_text(bistro_with(check=leak, look_up=leak, body=body))
    with stderr_lines("--verbose" in words):
        out, err = run_cli(capsys, "bistro:agent", *words, status=1)
    text = out + err
    assert "[hidden]" in text
    runs = {s[i : i + 4] for s in CANARIES.values() for i in range(len(s) - 3)}
    assert [run for run in runs if run in text and run not in quiet] == []
    lengths = {str(len(secret)) for secret in CANARIES.values()}
    assert not lengths & set(text.replace("(", " ").split())
    assert max(map(len, out.splitlines())) <= WIDTH or "--json" in words


class stderr_lines:
    """Logs go to stderr as the command sets them up, and not where the test runner keeps them."""

    def __init__(self, verbose: bool) -> None:
        self.level = logging.DEBUG if verbose else logging.WARNING

    def __enter__(self) -> None:
        root = logging.getLogger()
        self.before, self.was = list(root.handlers), root.level
        root.handlers.clear()

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.handlers[:] = self.before
        root.setLevel(self.was)
