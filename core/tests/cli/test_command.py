"""``patter``: one answer, one exit status, errors with a fix, never a traceback."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import importlib_metadata
import pytest
from importlib_metadata import EntryPoints

from patter.cli import exits, main, parser, plugins
from patter.errors import ErrorCode, PatterError
from patter.plugins import known
from patter.plugins.commands import Command

if TYPE_CHECKING:
    from conftest import Shelf

EXTENSION = """
    from patter.plugins.commands import Command

    def run(args):
        args.out.answer(f"la {args.song}", {"song": args.song})
        return 0

    @hookimpl
    def patter_cli(commands):
        configure = lambda parser: parser.add_argument("song")
        commands.add(Command("sing", "sing a song", configure, run, "patter sing la"))
"""
VAD = """
    @hookimpl
    def patter_vad(spec): ...
"""
TUNNEL = """
    @hookimpl
    def patter_tunnel(spec): ...
"""


@pytest.fixture(autouse=True)
def installed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The command sees the shelf instead of what is installed here."""
    monkeypatch.setattr(
        importlib_metadata, "entry_points", lambda: EntryPoints(shelf.entry_points())
    )
    return shelf


def failing(monkeypatch: pytest.MonkeyPatch, exc: BaseException) -> None:
    def run(args: object) -> int:
        raise exc

    broken = Command("plugins", "help", lambda parser: None, run)
    monkeypatch.setattr(plugins, "COMMAND", broken)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.INPUT_VALIDATION, 2),
        (ErrorCode.CONFIG, 3),
        (ErrorCode.AUTH, 3),
        (ErrorCode.PROVISION, 3),
        (ErrorCode.CONNECTION, 4),
        (ErrorCode.TIMEOUT, 4),
        (ErrorCode.RATE_LIMIT, 4),
        (ErrorCode.PROVIDER_ERROR, 4),
        (ErrorCode.INTERNAL, 70),
    ],
)
def test_an_error_is_printed_with_its_fix_and_decides_the_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: ErrorCode,
    status: int,
) -> None:
    failing(monkeypatch, PatterError("it broke", fix="mend it", code=code))
    assert main(["plugins"]) == status
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error[{code}]: it broke\nfix: mend it\n")


def test_every_code_has_a_status() -> None:
    assert set(exits.STATUS) == set(ErrorCode)


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert main(["plugins"]) == 130


def test_a_bug_of_ours_is_70_and_kept_in_a_private_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(monkeypatch, ZeroDivisionError("oh"))
    assert main(["plugins"]) == 70
    (report,) = tmp_path.glob("patter-report-*.txt")
    err = capsys.readouterr().err
    assert "this should not happen: ZeroDivisionError: oh" in err and str(report) in err
    assert "Traceback" not in err and "ZeroDivisionError: oh" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "message", "fix"),
    [
        (["plugin"], "there is no command 'plugin'", "did you mean 'plugins'?"),
        (["xyzzy"], "there is no command 'xyzzy'", "see: patter --help"),
        (["plugins", "--chek"], "unrecognized arguments: --chek", "see: patter plugins --help"),
        (["--json"], "which command?", "see: patter --help"),
    ],
)
def test_a_wrong_command_line_is_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str, fix: str | None
) -> None:
    assert main([*words, "--json"] if "--json" not in words else words) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "INPUT_VALIDATION" and error["message"] == message
    assert fix in (None, error["fix"])


@pytest.mark.parametrize("verb", [None, *parser.BUILT_IN])
def test_help_fits_80_columns_and_has_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str | None
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"] if verb else ["--help"])
    help_text = capsys.readouterr().out
    assert left.value.code == 0
    assert "example:\n  patter " in help_text
    assert max(map(len, help_text.splitlines())) <= 80
    for flag in ("--json", "--quiet", "--verbose", "--no-color", "--yes"):
        assert flag in help_text


def test_flags_work_before_and_after_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "plugins"]) == main(["plugins", "--json"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == json.loads(second) == {"v": 1, "plugins": []}


def test_an_extension_adds_a_verb(installed: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    installed.add("ext-cli", {"extension": "cli"}, EXTENSION)
    assert main(["sing", "la", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"v": 1, "song": "la"}


def test_a_verb_of_ours_imports_no_extension(installed: Shelf) -> None:
    installed.add("ext-bomb", {"extension": "bomb"}, "raise SystemExit('imported')")
    assert main(["plugins"]) == 0


def test_plugins_lists_from_metadata(installed: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    installed.add("patter-energy", {"vad": "energy"}, VAD)
    installed.add("acme-patter", {"stt": "acme"}, "raise SystemExit('imported')")
    assert main(["plugins"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "stt  acme    acme-patter 0.1",
        "vad  energy  patter-energy 0.1",
    ]


def test_plugins_check_says_who_is_broken_and_is_1(
    installed: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.add("patter-energy", {"vad": "energy"}, VAD)
    installed.add("acme-patter", {"stt": "acme"}, "PATTER_API = 0")
    assert main(["plugins", "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stt  acme    acme-patter 0.1    broken",
        "    is built for plugin API 0, this Patter needs 1",
        "    fix: pip install --upgrade acme-patter",
        "vad  energy  patter-energy 0.1  ok",
    ]


def test_plugins_check_tells_conflicts(
    installed: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.add("acme-a", {"vad": "acme"}, VAD)
    installed.add("acme-b", {"vad": "acme"}, VAD)
    assert main(["plugins", "--check", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["plugins"]
    assert [row["state"] for row in rows] == ["conflict", "conflict"]
    assert rows[0]["fix"] == "uninstall one, or PATTER_DISABLE_PLUGINS=acme-a"


def add_default(shelf: Shelf, distribution: str, name: str) -> None:
    """A tunnel that is the default one too."""
    shelf.add(distribution, {"tunnel": name}, TUNNEL)
    module = distribution.replace("-", "_")
    info = shelf.site / f"{module}-0.1.dist-info" / "entry_points.txt"
    info.write_text(f"[patter.tunnel]\n{name} = {module}\ndefault = {module}\n")


def test_the_default_of_a_kind_is_listed_once_and_marked(
    installed: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    add_default(installed, "fox-tunnel", "fox")
    installed.add("ant-tunnel", {"tunnel": "ant"}, TUNNEL)
    assert main(["plugins"]) == main(["plugins", "--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tunnel  ant  ant-tunnel 0.1",
        "tunnel  fox  fox-tunnel 0.1  default",
        "tunnel  ant  ant-tunnel 0.1  ok",
        "tunnel  fox  fox-tunnel 0.1  ok  default",
    ]
    main(["plugins", "--json"])
    ant, fox = json.loads(capsys.readouterr().out)["plugins"]
    assert (ant.get("default"), fox["default"]) == (None, True)


def test_two_defaults_are_reported(installed: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    add_default(installed, "ant-tunnel", "ant")
    add_default(installed, "fox-tunnel", "fox")
    assert main(["plugins", "--check", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["plugins"]
    states = {(row["name"], row["distribution"]): row["state"] for row in rows}
    assert states == {
        ("ant", "ant-tunnel"): "ok",
        ("default", "ant-tunnel"): "conflict",
        ("default", "fox-tunnel"): "conflict",
        ("fox", "fox-tunnel"): "ok",
    }


def test_a_default_that_is_not_installed_is_offered_under_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {("tunnel", "fox"): "fox-tunnel", ("tunnel", "default"): "fox-tunnel"}
    monkeypatch.setattr(plugins, "PROVIDERS", expected)
    assert main(["plugins", "tunnel"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tunnel  fox  fox-tunnel  absent",
        "    fix: pip install fox-tunnel",
    ]


def test_plugins_of_a_kind_shows_what_could_be_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plugins, "PROVIDERS", {("stt", "deepgram"): "patter-deepgram"})
    assert main(["plugins", "stt"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "stt  deepgram  patter-deepgram  absent",
        "    fix: pip install patter-deepgram",
    ]


def test_plugins_of_a_misspelt_kind_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "sst"]) == 3
    assert "did you mean 'stt'?" in capsys.readouterr().err


def test_nothing_is_coloured_without_a_terminal(
    installed: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.add("acme-patter", {"stt": "acme"}, "PATTER_API = 0")
    main(["plugins", "--check"])
    main(["plugin"])
    assert "\x1b" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(("name", "distribution"), sorted(known.COMMANDS.items()))
def test_a_command_of_a_package_that_is_not_installed_says_which(
    capsys: pytest.CaptureFixture[str], name: str, distribution: str
) -> None:
    assert main([name, "stt", "parrot", "--json"]) == 3
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["message"] == f"command {name!r} needs {distribution}, which is not installed"
    assert error["fix"] == f"pip install {distribution}"


@pytest.mark.parametrize("switch", ["patter-testing", "kit"])
def test_a_command_that_is_switched_off_says_by_what(
    installed: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    switch: str,
) -> None:
    installed.add("patter-testing", {"extension": "kit"}, EXTENSION)
    monkeypatch.setenv("PATTER_DISABLE_PLUGINS", switch)
    assert main(["new", "stt", "parrot"]) == 3
    assert f"remove {switch!r} from PATTER_DISABLE_PLUGINS" in capsys.readouterr().err
