"""A log root with calls in it, and the command as a user types it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import importlib_metadata
import pytest
from importlib_metadata import EntryPoints, distributions

from patter.cli import main
from patter.observe.call_log import CallLog
from patter.observe.codec import stamped
from patter.observe.events import CallEvent, Ended, Row, Started, ToolRun, Turn, Wire

WALL = 1_790_000_000.0
THEIRS, OURS = "+15550107788", "+15550001234"


@attrs.frozen
class CallShelf:
    """Calls below *root*, and ``patter calls`` on them."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def keep(self, id: str, events: Sequence[CallEvent], wall: float = WALL) -> Path:
        """Write down a call with *events* that began at *wall*; its directory."""
        record = CallLog(root=self.root).open(id, wall, chance=1)
        for seq, event in enumerate(events, 1):
            record(stamped(event, id, seq, event.at_ms or seq * 100))
        record.join()
        return record.directory

    def calls(self, *words: str) -> tuple[int, str, str]:
        """Run ``patter calls WORDS``: status, stdout, stderr."""
        status = main(["calls", *words, "--log-dir", str(self.root)])
        return status, *self.capsys.readouterr()

    @property
    def text(self) -> str:
        """Every file below the root."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode("latin-1") for path in paths)


@pytest.fixture
def kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CallShelf:
    """An empty log root, where the command is run."""
    installed(tmp_path / "site", monkeypatch)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "log"
    root.mkdir(mode=0o700)
    return CallShelf(root, capsys)


def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command be found whether the package is installed or only on the path."""
    info = site / "patter_calls-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patter-calls\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[patter.extension]\ncalls = patter_calls.plugin\n")
    ours = next(iter(distributions(path=[str(site)]))).entry_points
    real: Callable[[], EntryPoints] = importlib_metadata.entry_points
    others = [each for each in real() if not each.value.startswith("patter_calls")]
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: EntryPoints([*others, *ours]))


def conversation(
    *,
    caller: str = THEIRS,
    outcome: str = "completed",
    words: str = "book a table for two",
    gap_ms: int = 800,
    wall: float = WALL,
) -> list[CallEvent]:
    """A call of one turn in which a table is booked."""
    booked: dict[str, Any] = {"name": "book_table", "arguments": {"people": 2}, "effect": "once"}
    return [
        Started(caller=caller, callee=OURS, direction="inbound", carrier="twilio", wall=wall),
        Row(role="agent", text="Good evening.", turn=0, epoch=1, began_ms=0, ended_ms=900),
        Row(role="caller", text="book a", turn=1, began_ms=1_000, ended_ms=1_500),
        Row(role="caller", text=words, turn=1, amends=True, began_ms=1_000, ended_ms=2_500),
        Wire(what="dtmf", digits="5"),
        ToolRun(what="started", **booked),
        ToolRun(what="finished", result="R-17", ok=True, took_ms=86, turn=1, **booked),
        Turn(turn=1, epoch=2, gap_ms=gap_ms, stages={"stt": 300, "end": gap_ms - 300}),
        Row(role="agent", text="Booked.", turn=1, epoch=2, began_ms=3_300, ended_ms=4_000),
        Ended(
            outcome=outcome,
            reason="caller",
            duration_ms=51_200,
            turns=1,
            gap_p50_ms=gap_ms,
            gap_p95_ms=gap_ms,
            cost_usd=0.0214,
            costs={"llm": 0.0014, "carrier": 0.02},
        ),
    ]
