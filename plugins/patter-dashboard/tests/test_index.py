"""The index: what the records say, made anew at any time, and without what was erased."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlib_metadata import EntryPoint

from patter import PluginRegistry
from patter.observe.call_log import CallLog
from patter.observe.codec import stamped
from patter.observe.events import Started
from patter_dashboard import listing
from patter_dashboard._schema import NAME
from patter_dashboard.filters import read_filters
from patter_dashboard.index_file import IndexFile
from patter_dashboard.removed import remove, removed_ids, restore
from patter_dashboard.sweep import Sweep

from .records import DAY, THEIRS, WALL, CallShelf, conversation

CANARY = "xylophonequartet"


@pytest.fixture
def index(shelf: CallShelf) -> Iterator[IndexFile]:
    made = IndexFile(shelf.root)
    made.prepare()
    yield made
    made.close()


def ids(index: IndexFile, **filters: str) -> list[str]:
    return [call["id"] for call in listing.page(index, read_filters(filters, WALL), "", 100).data]


def erase(directory: Path) -> None:
    """What `patter calls erase` leaves."""
    tombstone = {
        "schema_version": "1.0",
        "call_id": directory.name,
        "started_at": "2026-09-21T14:13:20.000Z",
        "erased_at": "2026-09-22T00:00:00.000Z",
    }
    (directory / "erased.json").write_text(json.dumps(tombstone))
    for path in directory.iterdir():
        if path.name != "erased.json":
            path.unlink()


def test_it_is_of_its_owner_alone(shelf: CallShelf, index: IndexFile) -> None:
    shelf.keep("a", conversation())
    Sweep(index).run()
    for path in shelf.root.glob(f"{NAME}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_new_calls_are_found_and_old_ones_not_read_again(
    shelf: CallShelf, index: IndexFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep("a", conversation())
    assert Sweep(index).run().changed == ("a",)
    monkeypatch.setattr("patter_dashboard.sweep.events_of", lambda _: pytest.fail("read again"))
    assert Sweep(index).run().changed == ()
    monkeypatch.undo()
    shelf.keep("b", conversation(wall=WALL + 1), WALL + 1)
    swept = Sweep(index).run(days=2)
    assert (swept.changed, swept.total) == (("b",), 2)
    assert ids(index) == ["b", "a"]


def test_a_day_is_not_mistaken_for_another_that_begins_like_it(
    shelf: CallShelf, index: IndexFile
) -> None:
    days = [WALL - 20 * DAY, WALL - 19 * DAY, WALL]  # the 1st, the 2nd, the 21st
    for at, wall in enumerate(days):
        shelf.keep(f"c{at}", conversation(wall=wall), wall)
    assert Sweep(index).run().gone == ()
    assert Sweep(index).run(days=3).gone == ()
    assert Sweep(index).run(days=1).gone == ()
    assert len(ids(index)) == 3


def test_a_call_that_goes_on_is_live_and_then_over(shelf: CallShelf, index: IndexFile) -> None:
    writer = CallLog(root=shelf.root).open("a", WALL, chance=1)
    events = conversation()
    writer(stamped(events[0], "a", 1, 0))
    writer.file_writer.wake()
    until_there(writer.directory / "call.jsonl.part")
    Sweep(index).run()
    assert ids(index, outcome="live") == ["a"]
    for seq, event in enumerate(events[1:], 2):
        writer(stamped(event, "a", seq, seq * 100))
    writer.join()
    assert Sweep(index).run().changed == ("a",)
    assert ids(index, outcome="live") == [] and ids(index, outcome="completed") == ["a"]


def until_there(path: Path) -> None:
    import time

    for _ in range(200):
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} does not come")


def test_of_a_call_whose_process_was_killed_nobody_knows_the_end(
    shelf: CallShelf, index: IndexFile
) -> None:
    directory = shelf.keep("a", conversation()[:3])
    (directory / "call.jsonl").rename(directory / "call.jsonl.part")
    Sweep(index).run()
    assert ids(index, outcome="unknown") == ["a"]


def test_erased_words_and_numbers_are_nowhere_in_the_files(
    shelf: CallShelf, index: IndexFile
) -> None:
    for at in range(20):
        shelf.keep(f"other{at}", conversation(wall=WALL - at), WALL - at)
    directory = shelf.keep(
        "secret", conversation(words=f"my name is {CANARY}", caller=THEIRS[:-4] + "9999")
    )
    Sweep(index).run()
    assert ids(index, said=CANARY) == ["secret"]
    assert CANARY.encode() in shelf.bytes
    erase(directory)
    assert Sweep(index).run().changed == ("secret",)
    assert ids(index, said=CANARY) == [] and "secret" not in ids(index, number="9999")
    assert ids(index, outcome="erased") == ["secret"]
    text = shelf.bytes.lower()
    assert CANARY.encode() not in text and CANARY[:8].encode() not in text
    assert (THEIRS[1:-4] + "9999").encode() not in text


def test_so_is_it_when_retention_takes_the_day(shelf: CallShelf, index: IndexFile) -> None:
    directory = shelf.keep("old", conversation(words=CANARY))
    shelf.keep("new", conversation(wall=WALL + 2 * DAY), WALL + 2 * DAY)
    Sweep(index).run()
    shutil.rmtree(directory.parent)
    assert Sweep(index).run().gone == ("old",)
    assert ids(index) == ["new"] and CANARY.encode() not in shelf.bytes.lower()


def test_whoever_erases_without_a_dashboard_erases_from_its_index(
    shelf: CallShelf, index: IndexFile
) -> None:
    directory = shelf.keep("secret", conversation(words=CANARY))
    Sweep(index).run()
    index.close()
    erase(directory)
    advertised = [EntryPoint("dashboard", "patter_dashboard.plugin", "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    registry.load_extensions()
    registry.calls_erased(shelf.root, ["secret"])
    assert CANARY.encode() not in shelf.bytes.lower()


def test_an_erasure_makes_no_index_where_there_is_none(shelf: CallShelf) -> None:
    from patter_dashboard.plugin import patter_calls_erased

    patter_calls_erased(shelf.root)
    assert list(shelf.root.iterdir()) == []


@pytest.mark.parametrize("broken", [b"", b"not a database" * 1_000])
def test_a_broken_file_is_made_anew(shelf: CallShelf, broken: bytes) -> None:
    shelf.keep("a", conversation())
    (shelf.root / NAME).write_bytes(broken)
    index = IndexFile(shelf.root)
    index.prepare()
    Sweep(index).run()
    assert ids(index) == ["a"]
    index.close()


def test_a_file_cut_in_the_middle_is_made_anew(shelf: CallShelf, index: IndexFile) -> None:
    shelf.several(30)
    Sweep(index).run()
    index.overwrite()
    index.close()
    path = shelf.root / NAME
    for other in shelf.root.glob(f"{NAME}-*"):
        other.unlink()
    os.truncate(path, 4_096)
    again = IndexFile(shelf.root)
    again.prepare()
    Sweep(again).run()
    assert len(ids(again)) == 30
    again.close()


def test_the_file_of_an_older_version_goes(shelf: CallShelf) -> None:
    older = shelf.root / "dashboard.0.sqlite3"
    older.write_text(CANARY)
    index = IndexFile(shelf.root)
    index.prepare()
    assert not older.exists() and index.path.exists()
    index.close()


def test_several_processes_write_at_once(shelf: CallShelf, index: IndexFile) -> None:
    shelf.several(60)
    code = (
        "import sys; from pathlib import Path\n"
        "from patter_dashboard.index_file import IndexFile\n"
        "from patter_dashboard.sweep import Sweep\n"
        "index = IndexFile(Path(sys.argv[1])); index.prepare(); Sweep(index).run()\n"
        "index.discard() if len(sys.argv) > 2 else index.close()\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(shelf.root)]) for _ in range(3)]
    Sweep(index).run()
    assert [other.wait(20) for other in others] == [0, 0, 0]
    assert len(ids(index)) == 60
    assert index.value("SELECT count(*) FROM turns") == 60
    assert index.value("SELECT count(*) FROM words WHERE words MATCH 'table'") == 60


def test_what_a_thread_reads_when_it_is_closed_is_read_to_its_end(shelf: CallShelf) -> None:
    shelf.several(5)
    # In a process of its own: SQLite ends one that uses a closed connection.
    code = (
        "import sys, threading; from pathlib import Path\n"
        "from patter_dashboard.index_file import IndexFile\n"
        "from patter_dashboard.sweep import Sweep\n"
        "index = IndexFile(Path(sys.argv[1])); index.prepare(); Sweep(index).run()\n"
        "over = threading.Event(); read = []\n"
        "def look():\n"
        "    while not over.is_set():\n"
        "        read.append(len(index.signs()))\n"
        "threads = [threading.Thread(target=look) for _ in range(3)]\n"
        "for each in threads: each.start()\n"
        "while len(read) < 3_000: index.close()\n"
        "over.set()\n"
        "for each in threads: each.join()\n"
        "assert set(read) == {5}\n"
        "index.close()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(shelf.root)], timeout=60, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_call_that_was_removed_stays_so_when_the_index_is_made_anew(
    shelf: CallShelf, index: IndexFile
) -> None:
    shelf.several(3)
    Sweep(index).run()
    assert remove(index, ["call0001", "call0001", "none", "../x"]) == ["call0001"]
    assert remove(index, ["call0001"]) == []
    assert ids(index) == ["call0000", "call0002"]
    kept = json.loads((shelf.root / ".deleted_call_ids.json").read_text())
    assert kept == {"version": 1, "deleted_call_ids": ["call0001"]}
    index.discard()
    index.prepare()
    restore(index)
    Sweep(index).run()
    assert ids(index) == ["call0000", "call0002"]
    assert (shelf.root / "calls").exists() and removed_ids(shelf.root) == ["call0001"]


def test_a_live_call_is_not_removed(shelf: CallShelf, index: IndexFile) -> None:
    writer = CallLog(root=shelf.root).open("a", WALL, chance=1)
    writer(stamped(Started(wall=WALL), "a", 1, 0))
    writer.file_writer.wake()
    until_there(writer.directory / "call.jsonl.part")
    Sweep(index).run()
    assert remove(index, ["a"]) == []
    writer.join()


def test_what_cannot_be_read_is_left_out(shelf: CallShelf, index: IndexFile) -> None:
    good = shelf.keep("good", conversation())
    bad = shelf.keep("bad", conversation(wall=WALL + 1), WALL + 1)
    (bad / "call.jsonl").write_text('{"v": 2, "call"\n')
    (good.parent / "empty").mkdir()
    Sweep(index).run()
    assert ids(index) == ["good"]


def test_a_transaction_is_all_or_nothing(shelf: CallShelf, index: IndexFile) -> None:
    with pytest.raises(sqlite3.IntegrityError), index.writing() as connection:
        connection.execute("INSERT INTO removed VALUES ('a')")
        connection.execute("INSERT INTO removed VALUES ('a')")
    assert index.value("SELECT count(*) FROM removed") == 0
