"""``patter calls erase``: nothing of a call is left but that there was one."""

from __future__ import annotations

import json

import pytest

from patter.observe.call_log import CallLog
from patter.observe.events import Note
from patter.observe.redact import Redaction, Redactor
from patter.observe.root_secret import root_secret
from patter.observe.unfinished import finish_abandoned

from .conftest import OURS, THEIRS, WALL, CallShelf, conversation

OTHER = "+15550109999"


def test_words_audio_and_number_are_gone_and_a_tombstone_stays(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    (folder / "call.wav").write_bytes(b"RIFF....audio")
    (folder / ".metadata.json.draft").write_text("left by a kill")
    (folder / "after_call.json").write_text('{"summary": "a table"}')
    status, out, _ = kept.calls("erase", "7f3a", "--yes")
    assert status == 0
    assert out == ("erased 1 call: words, audio, numbers; a tombstone with id and time stays\n")
    assert [path.name for path in folder.iterdir()] == ["erased.json"]
    tombstone = json.loads((folder / "erased.json").read_text())
    assert (tombstone["call_id"], tombstone["started_at"]) == ("7f3a91", "2026-09-21T14:13:20.000Z")
    assert tombstone["erased_at"].endswith("Z")
    for gone in ("table", "Good evening", THEIRS[1:], OURS[1:], "RIFF", "kill"):
        assert gone not in kept.text
    assert finish_abandoned(kept.root) == []


def test_an_erased_call_is_listed_as_one_and_shown_no_more(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    kept.calls("erase", "last", "--yes")
    assert kept.calls("list")[1].splitlines()[1].split() == [
        "7f3a", "2026-09-21T14:13Z", "erased",
    ]  # fmt: skip
    status, _, err = kept.calls("show", "7f3a")
    assert status == 2 and "was erased at" in err
    assert kept.calls("list", "--said", "table", "--json")[1] == '{"v": 1, "calls": []}\n'


def test_what_a_kill_left_of_an_erased_call_goes_the_next_time(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    kept.calls("erase", "7f3a", "--yes")
    before = (folder / "erased.json").read_text()
    (folder / "transcript.jsonl").write_text("words")
    assert kept.calls("erase", "7f3a", "--yes")[0] == 0
    assert "words" not in kept.text
    assert (folder / "erased.json").read_text() == before


def test_a_number_is_erased_wherever_it_is(kept: CallShelf) -> None:
    kept.keep("theirs", conversation())
    kept.keep("other", conversation(caller=OTHER))
    kept.keep("longer", conversation(caller=f"{THEIRS}1"))
    kept.keep("named", [*conversation(caller=OTHER), Note(what="transfer", text=f"to {THEIRS}")])
    status, out, _ = kept.calls("erase", "--number", THEIRS, "--yes", "--json")
    assert status == 0
    assert sorted(json.loads(out)["erased"]) == ["named", "theirs"]
    assert THEIRS not in kept.text.replace(f"{THEIRS}1", "")
    assert OTHER in kept.text


def test_a_hashed_number_is_found_by_its_hash(
    kept: CallShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "hash_only")
    redactor = Redactor(Redaction.HASH_ONLY, root_secret(kept.root))
    kept.keep("theirs", conversation(caller=redactor.number(THEIRS)))
    kept.keep("other", conversation(caller=redactor.number(OTHER)))
    out = kept.calls("erase", "--number", THEIRS, "--yes", "--json")[1]
    assert json.loads(out)["erased"] == ["theirs"]


def test_calls_whose_numbers_were_masked_are_named_and_left(kept: CallShelf) -> None:
    kept.keep("masked", conversation(caller="***7788"))
    status, out, err = kept.calls("erase", "--number", THEIRS, "--yes", "--json")
    assert status == 0 and json.loads(out)["erased"] == []
    assert "1 call may be of ***7788" in err and "masked" in err


def test_nothing_is_erased_without_a_yes(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    status, _, err = kept.calls("erase", "last")
    assert status == 2 and "fix: pass --yes" in err
    assert "table" in kept.text


def test_a_call_that_goes_on_is_not_erased(kept: CallShelf) -> None:
    record = CallLog(root=kept.root).open("7f3a91", WALL, chance=1)
    record(conversation()[0])
    while not [*kept.root.rglob("call.jsonl.part")]:
        record.file_writer.wake()
    status, _, err = kept.calls("erase", "last", "--yes")
    assert status == 2 and "goes on" in err
    assert kept.calls("erase", "--number", THEIRS, "--yes")[0] == 1
    record.join()
    assert record.path.exists()


def test_what_is_no_number_is_refused(kept: CallShelf) -> None:
    assert kept.calls("erase", "--number", "7", "--yes")[0] == 2
    assert kept.calls("erase", "--yes")[0] == 2
