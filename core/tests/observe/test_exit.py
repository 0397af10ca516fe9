"""What was noted when a process ends is on the disk afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from patter.observe.call_log import CallLogWriter
from patter.observe.events import Note

record = CallLogWriter(Path(sys.argv[1]))
record(Note(call="7f3a", seq=1, what="last words"))
"""


def test_a_process_that_ends_at_once_completes_its_records(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path / "call")], check=True, timeout=60)
    assert b"last words" in (tmp_path / "call" / "call.jsonl").read_bytes()
