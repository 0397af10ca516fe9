"""What people did with calls, a line each in the log root: numbers they saw, calls they ended.

A line names the call and where the request came from; it has no number and no words in it. Blocks.
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import orjson

from patter.observe.log_root import FILE_MODE, make_private

NAME = "dashboard-audit.jsonl"


@attrs.frozen
class Audit:
    """The audit file of the log root *root*; without one nothing can be seen that needs it."""

    root: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root / NAME

    def write(self, at: str, action: str, call_id: str, address: str) -> None:
        """*action* was done *at* that time. Raises OSError: then it may not be done."""
        line = {"at": at, "action": action, "call_id": call_id, "address": address}
        make_private(self.root)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(self.path, flags, FILE_MODE)
        try:
            # One write of a short line: those of several processes do not mix.
            os.write(file, orjson.dumps(line) + b"\n")
        finally:
            os.close(file)
