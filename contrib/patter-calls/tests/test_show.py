"""``patter calls show``: one call as its lines, and one that goes on to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from patter.observe.call_log import CallLog, read_record
from patter.observe.codec import stamped
from patter.observe.view import view

from .conftest import WALL, CallShelf, conversation

DIES = """
import sys, time
from pathlib import Path
from patter.observe.call_log import CallLog
from patter.observe.events import Row, Started

record = CallLog(root=Path(sys.argv[1])).open("dies", 1_790_000_000.0, chance=1)
record(Started(call="dies", seq=1))
record(Row(call="dies", seq=2, at_ms=900, role="agent", text="Good evening.", turn=0, epoch=1))
print("up", flush=True)
time.sleep(0.6)
import os; os._exit(9)
"""


def test_a_call_is_shown_as_the_live_view_draws_it(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    status, out, _ = kept.calls("show", "7f3a")
    assert status == 0
    assert out.splitlines() == view(read_record(folder))
    assert "book a table for two" in out and "(goes on)" in out and out.count(" book a") == 1
    assert kept.calls("show", "last")[1] == out


def test_json_is_an_event_a_line(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    events = [json.loads(line) for line in kept.calls("show", "last", "--json")[1].splitlines()]
    assert [event["type"] for event in events][:2] == ["started", "row"]
    assert {event["v"] for event in events} == {2}


def test_a_beginning_that_two_calls_have_names_neither(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    kept.keep("7f3a02", conversation(), WALL + 1)
    kept.keep("7f3a", conversation(), WALL + 2)
    assert kept.calls("show", "7f3a9")[0] == kept.calls("show", "7f3a")[0] == 0
    status, _, err = kept.calls("show", "7f3")
    assert status == 2 and "3 calls begin with '7f3'" in err


def test_a_call_that_goes_on_is_followed_to_its_end(kept: CallShelf) -> None:
    record = CallLog(root=kept.root).open("7f3a91", WALL, chance=1)
    events = [stamped(each, "7f3a91", seq, seq * 100) for seq, each in enumerate(conversation(), 1)]
    for event in events[:2]:
        record(event)
    while not [*kept.root.rglob("call.jsonl.part")]:
        record.file_writer.wake()

    def goes_on() -> None:
        for event in events[2:]:
            record(event)
        record.join()

    later = threading.Timer(0.5, goes_on)
    later.start()
    status, out, _ = kept.calls("show", "last", "--follow")
    later.join()
    assert status == 0
    for line in ("Good evening.", "book a table for two", "Booked.", " turns 1", '-> "R-17"'):
        assert line in out


def test_following_a_call_that_is_over_shows_it_and_ends(kept: CallShelf) -> None:
    kept.keep("7f3a91", conversation())
    status, out, _ = kept.calls("show", "last", "--follow")
    assert status == 0 and "Booked." in out and " turns 1" in out


def test_a_call_whose_process_was_killed_is_not_waited_for(kept: CallShelf) -> None:
    code = [sys.executable, "-c", DIES, str(kept.root)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        while not [*Path(kept.root).rglob("call.jsonl.part")]:
            assert process.poll() is None
        status, out, err = kept.calls("show", "last", "--follow")
    assert status == 1 and "Good evening." in out and "its process is gone" in err


def test_what_followed_the_call_is_shown_below_it(kept: CallShelf) -> None:
    folder = kept.keep("7f3a91", conversation())
    before = kept.calls("show", "last")[1]
    review = {"greeted": {"passed": True, "reason": "It called back."}}
    result = {
        "status": "done",
        "disposition": "booked",
        "summary": "A\x1b[2J table.",
        "review": review,
    }
    (folder / "after_call.json").write_text(json.dumps(result))
    out = kept.calls("show", "last")[1]
    assert out.startswith(before.rstrip("\n"))
    assert "after     booked" in out and "summary   A\\x1b[2J table." in out
    assert "review    greeted: yes. It called back." in out
    lines = kept.calls("show", "last", "--json")[1].splitlines()
    assert json.loads(lines[-1])["disposition"] == "booked"
    (folder / "after_call.json").write_text("{")
    assert kept.calls("show", "last")[1] == before
    failed = {"status": "failed", "error": {"message": "gone"}}
    (folder / "after_call.json").write_text(json.dumps(failed))
    assert "after     failed: gone" in kept.calls("show", "last")[1]
