"""What was noted when a process ends is on the disk afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from patter.observe.call_log import CallRecord
from patter.observe.events import CallEvent, EventType

record = CallRecord(Path(sys.argv[1]))
record(CallEvent("7f3a", 1, 0, EventType.NOTE, {"what": "last words", "text": ""}))
"""


def test_a_process_that_ends_at_once_completes_its_records(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path / "call")], check=True, timeout=60)
    assert b"last words" in (tmp_path / "call" / "call.jsonl").read_bytes()
