"""The demo itself, in real time: a call over a real socket, recognised, spoken, cut, ended."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np
import pytest
from numpy.typing import NDArray

from patter.call.turn.codec import effects_to_data, replay, rules_from_data
from patter.observe.call_log import read_record
from patter.observe.codec import decode_line, event_fields
from patter.observe.events import CallEvent, EngineStep, Note, Row, Started, ToolRun, Turn
from patter.observe.view import view
from patter_demo.record import recording

LIMIT_S = 60
RATE = 8_000


@attrs.frozen(kw_only=True)
class Made:
    """A demo that ran: its status, what it printed, its folder and its record."""

    status: int
    out: str
    err: str
    folder: Path
    events: Sequence[CallEvent]

    def rows(self, role: str) -> list[dict[str, object]]:
        return [
            event_fields(event)
            for event in self.events
            if isinstance(event, Row) and event.role == role
        ]


def begin(folder: Path, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "patter.cli", "demo", "--out", str(folder), *flags]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder.parent
    )


def end(process: subprocess.Popen[str], folder: Path) -> Made:
    with process:
        out, err = process.communicate(timeout=LIMIT_S)
    events = read_record(folder / "call.jsonl") if folder.exists() else []
    return Made(status=process.returncode, out=out, err=err, folder=folder, events=events)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Made]:
    """Two demos at a time: one for people, one for programs."""
    plain, told = (tmp_path_factory.mktemp("demo") / name for name in ("plain", "json"))
    processes = begin(plain), begin(told, "--json")
    try:
        return end(processes[0], plain), end(processes[1], told)
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def made(both: tuple[Made, Made]) -> Made:
    return both[0]


@pytest.fixture(scope="module")
def sides(made: Made) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The caller's side and the agent's side of the recording."""
    with wave.open(str(made.folder / "call.wav")) as wav:
        shape = wav.getframerate(), wav.getnchannels(), wav.getsampwidth()
        frames = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    assert shape == (RATE, 2, 2)
    return frames[:, 0], frames[:, 1]


def test_everything_about_the_call_was_right(both: tuple[Made, Made]) -> None:
    for made in both:
        assert (made.status, complaints(made)) == (0, []), made.out


def complaints(made: Made) -> list[str]:
    """What stderr holds, less the font cache that the first drawing on a machine builds."""
    return [line for line in made.err.splitlines() if not line.startswith("matplotlib")]


def test_a_pipe_gets_every_fact_and_no_escape_code(made: Made) -> None:
    printed = made.out.splitlines()
    facts = view(made.events)
    assert printed[: len(facts)] == facts
    assert "\x1b" not in made.out
    assert max(map(len, facts)) <= 80
    assert printed[-1] == " next: patter phone --offline   (talk to it yourself)"
    assert any(line.startswith("        unheard ") for line in printed)


def test_a_program_gets_an_event_a_line(both: tuple[Made, Made]) -> None:
    *events, verdicts, files = both[1].out.splitlines()
    assert [decode_line(line) for line in events] == both[1].events
    assert json.loads(verdicts)["ok"] is True
    assert all(Path(path).exists() for path in json.loads(files)["files"])


def test_the_words_and_the_tools_are_those_of_the_script(made: Made) -> None:
    assert [row["text"] for row in made.rows("caller")] == [
        "what are your opening hours",
        "book a table for two",
        "goodbye",
    ]
    tools = [
        (event.name, event.arguments)
        for event in made.events
        if isinstance(event, ToolRun) and event.what == "finished"
    ]
    assert tools == [("opening_hours", {}), ("book_table", {"people": 2}), ("end_call", {})]


def test_the_caller_is_on_the_left_where_the_rows_say(
    made: Made, sides: tuple[NDArray[np.int16], NDArray[np.int16]]
) -> None:
    left, _ = sides
    for row, name in zip(made.rows("caller"), ("hours", "book", "goodbye"), strict=True):
        line = np.frombuffer(recording(name), "<i2").astype(float)
        found_ms = place_of(line, left) * 1_000 / RATE
        spoken_ms = float(np.argmax(np.abs(line) > 500)) * 1_000 / RATE
        assert found_ms + spoken_ms == pytest.approx(float(str(row["began_ms"])), abs=120)


def place_of(line: NDArray[np.float64], side: NDArray[np.int16]) -> int:
    """The sample of *side* where *line* fits best, however loud the rest of *side* is.

    On a busy machine a frame may come late and leave a gap in a line: its fit falls, and a louder
    line elsewhere would win if loudness counted.
    """
    size = 1 << (len(line) + len(side)).bit_length()
    spectrum = np.fft.rfft(side.astype(float), size) * np.conj(np.fft.rfft(line, size))
    fit = np.fft.irfft(spectrum, size)[: len(side)]
    energy = np.cumsum(np.append(side.astype(float) ** 2, np.zeros(len(line))))
    local = energy[len(line) - 1 :][: len(side)] - np.append(0.0, energy[: len(side) - 1])
    return int(np.argmax(fit / np.sqrt(local + np.mean(line**2) * len(line) / 10)))


def test_the_agent_is_on_the_right_and_what_was_cut_is_silent(
    made: Made, sides: tuple[NDArray[np.int16], NDArray[np.int16]]
) -> None:
    _, right = sides
    rows = made.rows("agent")
    for row in rows:
        began, heard = int(str(row["began_ms"])), int(str(row["heard_ms"]))
        assert loudness(right, began, began + heard) > 500
    cut_ms, answer_ms = int(str(rows[0]["ended_ms"])), int(str(rows[1]["began_ms"]))
    assert rows[0]["interrupted"]
    assert answer_ms - cut_ms > 1_500
    assert loudness(right, cut_ms + 200, answer_ms - 200) == 0


def loudness(side: NDArray[np.int16], began_ms: int, ended_ms: int) -> float:
    part = side[began_ms * RATE // 1_000 : ended_ms * RATE // 1_000].astype(float)
    return float(np.sqrt(np.mean(part**2)))


def test_nobody_speaks_over_the_other_but_the_caller_once(
    sides: tuple[NDArray[np.int16], NDArray[np.int16]],
) -> None:
    both_loud = [
        at
        for at in range(0, min(map(len, sides)) * 1_000 // RATE - 20, 20)
        if all(loudness(side, at, at + 20) > 200 for side in sides)
    ]
    assert both_loud
    assert both_loud[-1] - both_loud[0] <= 800


def test_stepping_the_record_again_has_the_same_effects(made: Made) -> None:
    (started,) = (event_fields(event) for event in made.events if isinstance(event, Started))
    rows = [event_fields(event) for event in made.events if isinstance(event, EngineStep)]
    again = [effects_to_data(now) for _, now in replay(rules_from_data(started["rules"]), rows)]
    assert again == [row["effects"] for row in rows]
    assert len(rows) > 20


def test_what_was_not_heard_is_in_no_later_request(made: Made) -> None:
    (cut,) = (row for row in made.rows("agent") if row["interrupted"])
    asked = [each for each in made.events if isinstance(each, Note) and each.what == "llm_request"]
    assert len(asked) == 3
    for event in asked:
        shown = json.dumps(event.messages)
        assert str(cut["text"]) in shown
        assert str(cut["unheard"]) not in shown


def test_every_gap_is_the_sum_of_its_stages(made: Made) -> None:
    turns = [event_fields(event) for event in made.events if isinstance(event, Turn)]
    assert len(turns) == 3
    assert all(sum(turn["stages"].values()) == turn["gap_ms"] for turn in turns)


def test_the_files_are_private_and_the_page_needs_nothing_else(made: Made) -> None:
    assert {path.name for path in made.folder.iterdir()} == {
        "call.html",
        "call.svg",
        "call.wav",
        "call.jsonl",
    }
    for path in (made.folder, *made.folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    page = (made.folder / "call.html").read_text("utf-8")
    assert "data:audio/wav;base64," in page
    assert "default-src 'none'" in page
    assert page.count("<button type=") == 7
