"""The verb: what it prints, what it writes, and what its status says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.cli import main
from patter.cli.out import Out
from patter.observe.call_log import write_record
from patter_demo.command import conclude
from patter_demo.evidence import Evidence
from patter_demo.report import FILES, judged
from patter_demo.verdict import Verdict, verdicts

sys.path.insert(0, str(Path(__file__).parent))
from .a_good_call import good_call


def test_a_good_call_is_reported_kept_and_answered_with_yes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_record(tmp_path / "call.jsonl", good_call().events)
    assert conclude(good_call(), tmp_path, Out()) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(" turns 3")
    assert printed[1:] == [
        " ok words  ok tool arguments  ok barge-in stopped audio  ok nothing left open",
        " ok goodbye heard  ok stages add up  ok only heard is told  ok record replays",
        f" {tmp_path}/ call.html call.svg call.wav call.jsonl",
        " next: patter phone --offline   (talk to it yourself)",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {*FILES} - {"call.wav"}


def test_one_thing_that_was_not_right_is_enough_for_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = attrs.evolve(good_call(), left=["2 socket"])
    assert conclude(leaky, tmp_path, Out()) == 1
    assert " FAIL nothing left open: 2 socket" in capsys.readouterr().out.splitlines()


def test_json_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conclude(attrs.evolve(good_call(), left=["task x"]), tmp_path, Out(json=True)) == 1
    told, files = map(json.loads, capsys.readouterr().out.splitlines())
    assert (told["v"], told["type"], told["ok"]) == (1, "verdicts", False)
    assert [each["why"] for each in told["checks"] if not each["ok"]] == ["task x"]
    assert files["files"] == [str(tmp_path / name) for name in FILES]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz ", max_size=200)), max_size=12))
def test_verdicts_never_break_a_line_and_never_a_name(given: list[tuple[str, str]]) -> None:
    found = [Verdict(f"{name} thing", why) for name, why in given]
    lines = judged(found)
    assert all(len(line) <= 80 for line in lines)
    assert sum(line.count("ok ") for line in lines) == sum(each.ok for each in found)
    assert sum(line.startswith(" FAIL ") for line in lines) == sum(not each.ok for each in found)


def test_every_verdict_has_its_place_in_the_table() -> None:
    assert len(judged(verdicts(good_call()))) == 2


def test_a_folder_that_cannot_be_written_is_refused_before_the_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.touch()
    assert main(["demo", "--out", str(taken)]) == 2
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert "fix: name another with --out DIR" in said


def test_what_a_former_call_left_is_never_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        (tmp_path / name).write_text("old")
    monkeypatch.setenv("PATTER_DISABLE_PLUGINS", "espeak")
    assert main(["demo", "--out", str(tmp_path)]) == 3
    assert "espeak" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_call_without_a_record_is_no_good_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(Evidence(events=()), tmp_path, Out()) == 1
    assert " FAIL words: the caller said nothing" in capsys.readouterr().out


def test_the_verb_explains_itself_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    said = capsys.readouterr().out
    assert "patter demo --open" in said
    assert max(map(len, said.splitlines())) <= 80
