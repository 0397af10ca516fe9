"""``patter calls export``: one call as a file."""

from __future__ import annotations

import csv
import io
import json
import stat
import sys
from pathlib import Path

import pytest

from patter.observe.call_log import read_record
from patter.observe.codec import decode_line, encode_line
from patter.observe.events import EngineStep, Note
from patter_calls.redacted import redacted

from .conftest import OURS, THEIRS, CallShelf, conversation


def test_json_has_the_files_and_the_record(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    status, out, _ = kept.calls("export", "last", "--format", "json")
    path = Path("7f3a91.json")
    assert (status, out) == (0, f"wrote {path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = json.loads(path.read_text())
    assert made["metadata"] == json.loads((folder / "metadata.json").read_text())
    assert [turn["agent_text"] for turn in made["transcript"]] == ["Good evening.", "Booked."]
    assert [deed["type"] for deed in made["events"]] == ["tool_call", "tool_result"]
    events = [decode_line(json.dumps(line)) for line in made["record"]]
    assert events == read_record(folder)


def test_csv_is_a_turn_a_line_and_no_cell_is_a_formula(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation(words='=HYPERLINK("http://example.com")'))
    status, out, _ = kept.calls("export", "last", "--format", "csv", "--out", "-")
    assert status == 0
    greeting, turn = csv.DictReader(io.StringIO(out))
    assert greeting["agent_text"] == "Good evening."
    assert turn["user_text"] == '\'=HYPERLINK("http://example.com")'
    assert (turn["total_ms"], turn["stt_ms"]) == ("800.0", "300.0")


def test_srt_says_who_said_what_when(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    assert kept.calls("export", "last", "--format", "srt", "--out", "-")[1] == (
        "1\n00:00:00,000 --> 00:00:00,900\nagent: Good evening.\n\n"
        "2\n00:00:01,000 --> 00:00:02,500\ncaller: book a table for two\n\n"
        "3\n00:00:03,300 --> 00:00:04,000\nagent: Booked.\n"
    )


def test_wav_is_the_recording_or_says_how_to_get_one(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    status, _, err = kept.calls("export", "last", "--format", "wav")
    assert status == 2 and "was not recorded" in err and "--local-recording" in err
    (folder / "call.wav").write_bytes(b"RIFF\xff\x00")
    assert kept.calls("export", "last", "--format", "wav", "--out", "it.wav")[0] == 0
    assert Path("it.wav").read_bytes() == b"RIFF\xff\x00"
    status, _, err = kept.calls("export", "last", "--format", "wav", "--redact")
    assert status == 2 and "audio cannot be redacted" in err


def test_a_file_that_exists_is_written_over_after_a_yes_alone(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    Path("7f3a91.json").write_text("mine")
    assert kept.calls("export", "last")[0] == 2
    assert Path("7f3a91.json").read_text() == "mine"
    assert kept.calls("export", "last", "--yes")[0] == 0
    assert Path("7f3a91.json").read_text() != "mine"


def test_a_place_that_cannot_be_written_has_its_fix(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    status, _, err = kept.calls("export", "last", "--out", "nowhere/it.json")
    assert status == 2 and "fix: name another with --out FILE" in err


@pytest.mark.parametrize("format", ["json", "csv", "srt", "test"])
def test_what_is_redacted_has_no_number_no_key_and_no_code(kept: CallShelf, format: str) -> None:
    code = Note(what="x", text=f"{THEIRS} said 4711 0815 and [DTMF: 739#]", messages=[])
    kept.keep("7f3a91", [*conversation(words=f"my card is 4929 1234, call {OURS}"), code])
    status, out, _ = kept.calls("export", "last", "--redact", "--format", format, "--out", "-")
    assert status == 0
    for secret in (THEIRS[1:], OURS[1:], "4929", "0815", "739"):
        assert secret not in out
    if format == "json":
        assert json.loads(out)["metadata"]["caller"] == "***7788"
        assert '"digits"' not in out and '"hidden": 1' in out


def test_keys_in_the_steps_of_the_engine_are_hidden_too() -> None:
    digit = {"name": "Digit", "fields": {"at_ms": 5, "digit": "7"}}
    commit = {"name": "Commit", "fields": {"turn": 1, "text": "[DTMF: 73#]", "amends": False}}
    (step,) = redacted([EngineStep(call="c", seq=1, input=digit, effects=[commit])])
    line = encode_line(step).decode()
    assert '"digit":"x"' in line and "3 hidden" in line and "73#" not in line


def test_what_is_not_installed_is_named_with_its_fix(
    kept: CallShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep("7f3a91", conversation())
    for format, package in (("html", "patter_demo"), ("test", "patter_testing")):
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [_Without(package), *sys.meta_path])
        status, _, err = kept.calls("export", "last", "--format", format)
        assert status == 3 and f"fix: pip install {package.replace('_', '-')}" in err


class _Without:
    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_html_is_the_page_of_the_call(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    assert kept.calls("export", "last", "--format", "html")[0] == 0
    page = Path("7f3a91.html").read_text()
    assert "<svg" in page and "book a table for two" in page and "http-equiv" in page
