"""``patter new`` as it is typed: what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patter.cli import main


def test_new_says_what_it_wrote_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "vad", "energy"]) == 0
    count = sum(1 for path in (tmp_path / "patter-energy").rglob("*") if path.is_file())
    assert capsys.readouterr().out.splitlines() == [
        f"  wrote patter-energy/, {count} files",
        '  next  cd patter-energy && pip install -e ".[test]" && pytest',
    ]
    assert main(["new", "vad", "energy"]) == 3
    assert "patter-energy exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sst", "x"], "there is nothing of kind 'sst'"),
        (["stt", "Not A Name"], "'Not A Name' cannot be a name"),
    ],
)
def test_what_cannot_be_written_is_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["new", *words, "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["code"], error["message"]) == ("INPUT_VALIDATION", message)


def test_its_help_fits_80_columns_and_has_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["new", "--help"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "patter new stt parrot" in shown
