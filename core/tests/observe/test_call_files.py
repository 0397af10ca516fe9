"""The files beside a record: metadata.json, transcript.jsonl and events.jsonl."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from patter.observe.call_files import DEEDS, METADATA, TRANSCRIPT
from patter.observe.call_log import CallLog, CallLogWriter, write_record
from patter.observe.codec import stamped
from patter.observe.documents import deeds, metadata, transcript
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Row,
    Started,
    ToolRun,
    Turn,
)
from patter.observe.file_lock import claim
from patter.observe.record_files import NAME, UNFINISHED
from patter.observe.redact import Redaction, Redactor
from patter.observe.stored_calls import calls_in
from patter.observe.unfinished import finish_abandoned

WALL = 1_790_000_000.0
THEIRS, OURS = "+15550107788", "+15550001234"
GAP = {"stt": 300, "end": 120, "llm": 200, "tool": 0, "text": 10, "tts": 150, "wait": 0, "play": 20}


def numbered(events: Sequence[CallEvent]) -> list[CallEvent]:
    return [stamped(each, "7f3a", seq, seq * 100) for seq, each in enumerate(events, 1)]


CALL = numbered(
    [
        Started(
            caller=THEIRS,
            callee=OURS,
            direction="inbound",
            carrier="twilio",
            agent="bistro",
            language="de",
            wall=WALL,
            providers={"stt": "deepgram/nova-3", "llm": "openai/gpt-4o-mini", "tts": "cartesia"},
        ),
        EngineStep(input={"name": "Connected", "fields": {}}, effects=[]),
        BargeIn(epoch=1, evidence_ms=2_000, cut_ms=2_040),
        Row(role="agent", text="Good", turn=0, epoch=1, unheard="evening.", interrupted=True),
        Row(role="caller", text="book", turn=1, began_ms=1_000, ended_ms=1_500),
        Row(
            role="caller", text="book for two", turn=1, amends=True, began_ms=1_000, ended_ms=2_000
        ),
        ToolRun(name="book", arguments={"people": 2}, what="started"),
        ToolRun(name="book", arguments={"people": 2}, what="finished", result="R-1", ok=True),
        Turn(turn=1, epoch=2, gap_ms=800, stages=GAP),
        ErrorEvent(code="TIMEOUT", message="the voice was late"),
        Row(role="agent", text="Booked.", turn=1, epoch=2),
        Ended(
            outcome="completed",
            reason="caller",
            duration_ms=9_000,
            turns=1,
            cost_usd=0.5,
            costs={"llm": 0.2, "carrier": 0.3},
        ),
    ]
)


def kept(root: Path, events: Sequence[CallEvent] = CALL, **log: Any) -> CallLogWriter:
    """The record of a call with *events*, which is over."""
    record = CallLog(root=root, **log).open("7f3a", WALL, chance=1)
    for event in events:
        record(event)
    record.join()
    return record


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_call_that_is_over_has_its_three_files_for_its_owner_alone(tmp_path: Path) -> None:
    folder = kept(tmp_path / "log").directory
    assert folder == tmp_path / "log/calls/2026/09/21/7f3a"
    assert sorted(path.name for path in folder.iterdir()) == [NAME, DEEDS, METADATA, TRANSCRIPT]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert lines(folder / METADATA) == [metadata(CALL)]
    assert lines(folder / TRANSCRIPT) == transcript(CALL)
    assert lines(folder / DEEDS) == [*deeds(CALL)]


def test_the_metadata_has_the_documented_fields() -> None:
    made = metadata(CALL, "call.wav")
    latency, cost, agent = made.pop("latency"), made.pop("cost"), made.pop("agent")
    assert made == {
        "schema_version": "1.0",
        "call_id": "7f3a",
        "trace_id": "",
        "started_at": "2026-09-21T14:13:20.000Z",
        "ended_at": "2026-09-21T14:13:21.200Z",
        "duration_ms": 9_000,
        "status": "completed",
        "outcome": "completed",
        "reason": "caller",
        "caller": THEIRS,
        "callee": OURS,
        "direction": "inbound",
        "telephony_provider": "twilio",
        "provider_mode": "pipeline",
        "turns": 1,
        "error": "TIMEOUT",
        "recording_path": "call.wav",
    }
    assert latency["p95_ms"] == latency["avg"]["total_ms"] == latency["p50"]["total_ms"] == 800.0
    assert cost == {"stt": 0, "tts": 0, "llm": 0.2, "telephony": 0.3, "total": 0.5, "unpriced": []}
    assert (agent["provider"], agent["model"]) == ("openai", "gpt-4o-mini")
    assert (agent["language"], agent["voice"], agent["mode"]) == ("de", "cartesia", "pipeline")


def test_a_line_of_the_transcript_is_a_turn_with_what_was_heard() -> None:
    greeting, turn = transcript(CALL)
    assert (greeting["turn_index"], greeting["user_text"], greeting["agent_text"]) == (
        0,
        "",
        "Good",
    )
    assert greeting["interrupted"] and not turn["interrupted"]
    assert (turn["user_text"], turn["agent_text"]) == ("book for two", "Booked.")
    assert turn["stt_audio_seconds"] == 1.0 and turn["tts_characters"] == len("Booked.")
    assert turn["latency"]["stt_ms"] == 300.0 and turn["latency"]["total_ms"] == 800.0
    assert turn["latency"]["agent_response_ms"] == 120 + 200 + 150


def test_what_nobody_heard_is_marked() -> None:
    cut = Row(role="agent", text="", turn=1, epoch=2, unheard="Well, ", interrupted=True)
    assert transcript(numbered([cut]))[0]["agent_text"] == "[interrupted]"


def test_deeds_are_tools_barge_ins_and_errors() -> None:
    made = [(each["type"], each["data"]) for each in deeds(CALL)]
    assert made == [
        ("barge_in", {"turn_index": 0, "bargein_ms": 40}),
        ("tool_call", {"name": "book", "arguments": {"people": 2}}),
        (
            "tool_result",
            {
                "name": "book",
                "arguments": {"people": 2},
                "result": "R-1",
                "ok": True,
                "took_ms": None,
            },
        ),
        ("error", {"error_code": "TIMEOUT", "message": "the voice was late"}),
    ]


def test_a_call_that_goes_on_has_its_metadata(tmp_path: Path) -> None:
    record = CallLog(root=tmp_path).open("7f3a", WALL, chance=1)
    record(CALL[0])
    record.file_writer.wake()
    path = tmp_path / "calls/2026/09/21/7f3a" / METADATA
    while not path.exists():
        pass
    (made,) = lines(path)
    assert (made["status"], made["ended_at"], made["caller"]) == ("in_progress", None, THEIRS)
    record.join()
    assert lines(path)[0]["status"] == "in_progress"


@pytest.mark.parametrize("how", [Redaction.MASK, Redaction.HASH_ONLY])
def test_redacted_numbers_are_in_none_of_the_files(tmp_path: Path, how: Redaction) -> None:
    redactor = Redactor(how)
    folder = kept(tmp_path, redactor=redactor).directory
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "5550107788" not in text and "5550001234" not in text
    assert lines(folder / METADATA)[0]["caller"] == redactor.number(THEIRS)


def test_the_files_of_a_killed_call_are_made_by_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "calls/2026/09/21/7f3a"
    folder.mkdir(parents=True)
    write_record(folder / UNFINISHED, CALL[:-1])
    assert finish_abandoned(tmp_path) == ["7f3a"]
    (made,) = lines(folder / METADATA)
    assert (made["status"], made["outcome"]) == ("completed", "unknown")
    assert [each["turn_index"] for each in lines(folder / TRANSCRIPT)] == [0, 1]


def test_a_call_killed_between_its_record_and_its_files_gets_them(tmp_path: Path) -> None:
    folder = tmp_path / "calls/2026/09/21/7f3a"
    folder.mkdir(parents=True)
    write_record(folder / NAME, CALL)
    (folder / METADATA).write_text(json.dumps({"status": "in_progress", "call_id": "7f3a"}))
    assert [call.metadata["status"] for call in calls_in(tmp_path)] == ["completed"]
    assert finish_abandoned(tmp_path) == []
    assert lines(folder / METADATA)[0]["status"] == "completed"


def test_a_full_disk_costs_the_files_and_not_the_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "calls/2026/09/21/7f3a"
    (folder / METADATA).mkdir(parents=True)
    assert kept(tmp_path).path.exists()
    assert "the files beside" in caplog.text
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


# --- reading them


def test_calls_are_read_the_newest_first_whatever_is_there(tmp_path: Path) -> None:
    for id, wall in (("old", WALL - 90_000), ("first", WALL), ("second", WALL + 60)):
        record = CallLog(root=tmp_path).open(id, wall, chance=1)
        for event in numbered([Started(wall=wall, caller=THEIRS), Ended(outcome="busy")]):
            record(event)
        record.join()
    day = tmp_path / "calls/2026/09/21"
    (day / "broken").mkdir()
    (day / "broken" / NAME).write_text("{}\n")
    (day / "notes.txt").write_text("mine")
    calls = [*calls_in(tmp_path)]
    assert [call.call_id for call in calls] == ["second", "first", "old"]
    assert calls[0].metadata["outcome"] == "busy" and not calls[0].live
    assert [type(event) for event in calls[0].events()] == [Started, Ended]
    assert calls[0].recording is None


def test_records_without_files_are_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "calls/2026/09/21/7f3a"
    folder.mkdir(parents=True)
    write_record(folder / UNFINISHED, CALL[:4])
    with (folder / UNFINISHED).open("ab") as held:
        assert claim(held.fileno())
        (call,) = calls_in(tmp_path)
        assert call.live and call.metadata["status"] == "in_progress"
    assert not call.live


def test_no_log_root_has_no_calls(tmp_path: Path) -> None:
    assert [*calls_in(tmp_path / "nowhere")] == []
