"""A call as other programs read it: JSON, a table of turns, subtitles. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from patter.observe.codec import encode_line
from patter.observe.documents import deeds, transcript
from patter.observe.events import CallEvent, Row

COLUMNS = ("turn_index", "ts", "user_text", "agent_text", "interrupted")
LATENCIES = ("total_ms", "stt_ms", "endpoint_ms", "llm_ms", "tts_ms", "agent_response_ms")
VERSION = 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(events: Sequence[CallEvent], metadata: Mapping[str, Any]) -> str:
    """Everything: the files beside the record, and its events, in one object."""
    call = {
        "v": VERSION,
        "metadata": dict(metadata),
        "transcript": transcript(events),
        "events": [*deeds(events)],
        "record": [json.loads(encode_line(event)) for event in events],
    }
    return json.dumps(call, ensure_ascii=False, indent=1) + "\n"


def as_csv(events: Sequence[CallEvent]) -> str:
    """A turn a line, with its words and latencies; a cell is never a formula."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS, *LATENCIES])
    for turn in transcript(events):
        latencies = [turn["latency"][name] for name in LATENCIES]
        writer.writerow(map(_cell, [*(turn[name] for name in COLUMNS), *latencies]))
    return table.getvalue()


def as_srt(events: Sequence[CallEvent]) -> str:
    """Subtitles of the recording: who says what, when; of the agent what was heard."""
    shown: dict[tuple[str, int], Row] = {}
    for row in events:
        if isinstance(row, Row) and row.role != "tool" and row.text:
            amended = row.role == "caller" and row.turn is not None
            shown[(row.role, row.turn if amended and row.turn is not None else -row.seq)] = row
    rows = sorted(shown.values(), key=lambda row: (row.start_ms, row.seq))
    return "\n".join(_subtitle(number, row) for number, row in enumerate(rows, 1))


def _subtitle(number: int, row: Row) -> str:
    ended = row.at_ms if row.ended_ms is None else row.ended_ms
    until = max(row.start_ms + 1, ended)
    words = " ".join(row.text.split())
    return f"{number}\n{_at(row.start_ms)} --> {_at(until)}\n{row.role}: {words}\n"


def _at(ms: int) -> str:
    seconds, rest = divmod(max(0, ms), 1_000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02},{rest:03}"


def _cell(value: object) -> object:
    """*value* for a table: what a caller has said is never calculated."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
