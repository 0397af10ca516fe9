"""``patter calls list``: which calls there were."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.clock import LoopClock
from patter_calls.stored import short_ids

from .conftest import THEIRS, WALL, CallShelf, conversation


@given(st.sets(st.text(string.hexdigits, min_size=1, max_size=12), max_size=20))
def test_a_short_id_is_the_beginning_of_one_call_alone(ids: set[str]) -> None:
    for id, short in short_ids(ids).items():
        assert id.startswith(short)
        assert short == id or [each for each in ids if each.startswith(short)] == [id]


def test_a_call_is_a_line(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    status, out, _ = kept.calls("list")
    head, line = out.splitlines()
    assert status == 0
    assert head.split() == ["ID", "WHEN", "DIR", "NUMBER", "OUTCOME", "DUR", "TURNS", "P95", "COST"]
    assert line.split() == [
        "7f3a", "2026-09-21T14:13Z", "in", THEIRS, "completed", "0:51", "1", "800", "$0.021",
    ]  # fmt: skip


def test_numbers_are_printed_as_the_log_would_keep_them(
    kept: CallShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep("7f3a91", conversation())
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "mask")
    for words in (("list",), ("list", "--json"), ("show", "last"), ("show", "last", "--json")):
        status, out, err = kept.calls(*words)
        assert status == 0 and out and THEIRS[-8:] not in out + err
    assert "***7788" in kept.calls("list")[1]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ((), ["slow", "busy", "old"]),
        (("--since", "1d"), ["slow", "busy"]),
        (("--outcome", "busy"), ["busy"]),
        (("--over", "1500ms"), ["slow"]),
        (("--over", "1.6s"), []),
        (("--tool", "book_table", "--since", "12h"), ["slow", "busy"]),
        (("--tool", "cancel"), []),
        (("--said", "Terrace"), ["old"]),
    ],
)
def test_calls_are_chosen_by_what_was_in_them(
    kept: CallShelf, words: tuple[str, ...], ids: list[str]
) -> None:
    now = LoopClock().wall()
    for id, ago_s, changes in (
        ("old", 100_000, {"words": "on the TERRACE please"}),
        ("busy", 7_200, {"outcome": "busy"}),
        ("slow", 60, {"gap_ms": 1_600}),
    ):
        wall = now - ago_s
        kept.keep(id, conversation(wall=wall, **changes), wall)
    status, out, _ = kept.calls("list", *words, "--json")
    assert status == 0
    assert [call["id"] for call in json.loads(out)["calls"]] == ids


def test_json_is_the_metadata_of_each_call(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    (call,) = json.loads(kept.calls("list", "--json")[1])["calls"]
    assert (call["id"], call["caller"], call["schema_version"]) == ("7f3a91", THEIRS, "1.0")
    assert call["cost"]["total"] == 0.0214 and call["latency"]["p95_ms"] == 800.0


def test_no_line_is_longer_than_a_terminal(kept: CallShelf) -> None:
    for number in range(9):
        wall = WALL + number
        kept.keep(
            f"{number}" * 32, conversation(caller="sip:somebody@example.com", wall=wall), wall
        )
    out = kept.calls("list")[1]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ((), 2, "which of list, show, export, replay, erase?"),
        (("list", "--since", "soon"), 2, "'soon' is not a valid time"),
        (("show", "7f3a"), 2, "there is no call '7f3a'"),
        (("show", "last"), 2, "there is no call 'last'"),
        (("shoe", "last"), 2, "invalid choice"),
    ],
)
def test_a_wrong_command_line_is_2_with_its_fix(
    kept: CallShelf, words: tuple[str, ...], status: int, says: str
) -> None:
    from patter.cli import main

    extra = ("--log-dir", str(kept.root)) if words else ()
    assert main(["calls", *words, *extra]) == status
    err = kept.capsys.readouterr().err
    assert says in err and "fix: " in err


def test_a_root_that_is_not_there_is_3(kept: CallShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from patter.cli import main

    monkeypatch.setenv("PATTER_LOG_DIR", str(kept.root / "nowhere"))
    assert main(["calls", "list"]) == 3
    kept.root.chmod(0o755)
    monkeypatch.setenv("PATTER_LOG_DIR", str(kept.root))
    assert main(["calls", "list"]) == 3
    assert "readable by others" in kept.capsys.readouterr().err


@pytest.mark.parametrize("action", ["", "list", "show", "export", "replay", "erase"])
def test_help_has_an_example_and_fits_a_terminal(kept: CallShelf, action: str) -> None:
    from patter.cli import main

    with pytest.raises(SystemExit) as left:
        main(["calls", *action.split(), "--help"])
    out = kept.capsys.readouterr().out
    assert left.value.code == 0 and f"example:\n  patter calls {action}" in out
    assert max(map(len, out.splitlines())) <= 80
