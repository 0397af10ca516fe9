"""Answers to stdout, everything else to stderr, no line too long."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.cli.out import WIDTH, Out, columns
from patter.errors import InputError

cells = st.text("abc", max_size=12)
sentences = st.lists(st.text("abc", min_size=1, max_size=14), max_size=30).map(" ".join)


@given(st.lists(st.tuples(cells, cells, sentences)))
def test_no_line_of_a_table_is_longer_than_80_columns(rows: list[tuple[str, str, str]]) -> None:
    assert all(len(line) <= WIDTH for line in columns(rows))


@given(st.lists(st.tuples(cells, sentences), min_size=1))
def test_a_table_loses_no_word(rows: list[tuple[str, str]]) -> None:
    words = [word for row in rows for cell in row for word in cell.split()]
    assert " ".join(columns(rows)).split() == words


def test_an_answer_goes_to_stdout_and_progress_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = Out()
    out.answer("yes", {"answer": True})
    out.progress("working")
    assert capsys.readouterr() == ("yes\n", "working\n")


def test_json_is_one_object_a_line_with_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    out = Out(json=True)
    out.event("", {"n": 1})
    out.event("two", {"n": 2})
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"v": 1, "n": 1}, {"v": 1, "n": 2}]


def test_quiet_silences_progress_alone(capsys: pytest.CaptureFixture[str]) -> None:
    out = Out(quiet=True)
    out.progress("working")
    out.warn("careful")
    assert capsys.readouterr().err == "warning: careful\n"


def test_nobody_is_asked_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert Out(yes=True).confirm("dial?")
    with pytest.raises(InputError) as caught:
        Out().confirm("dial?")
    assert caught.value.fix == "pass --yes"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Out.for_words([]).color
    assert not Out.for_words(["--no-color"]).color
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Out.for_words([]).color
