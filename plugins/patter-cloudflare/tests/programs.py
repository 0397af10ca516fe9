"""Installs the fake cloudflared in a folder, and looks at what it noted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import attrs

SOURCE = Path(__file__).with_name("fake_cloudflared.py")
HOST = "red-fox-runs-far.trycloudflare.com"


@attrs.frozen
class Fake:
    """One that is installed; its notes are a JSON object a line."""

    path: Path
    notes_path: Path

    @property
    def notes(self) -> list[dict[str, Any]]:
        if not self.notes_path.exists():
            return []
        return [json.loads(line) for line in self.notes_path.read_text().splitlines()]

    @property
    def pids(self) -> list[int]:
        """All that ran, oldest first."""
        return [note["pid"] for note in self.notes if "pid" in note]

    @property
    def arguments(self) -> list[str]:
        found: list[str] = self.notes[0]["arguments"]
        return found

    @property
    def waits(self) -> bool:
        """Has it said all it says by itself, and would it do something on a signal?"""
        return any("waits" in note for note in self.notes)

    def all_ended(self) -> bool:
        """Did at least one run, and does none any more?"""
        return bool(self.pids) and not any(map(is_running, self.pids))


def install(folder: Path, variant: str) -> Fake:
    """Write ``cloudflared`` in the variant given to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    path, notes = folder / "cloudflared", folder / "notes.jsonl"
    source = SOURCE.read_text().replace('VARIANT = "good"', f"VARIANT = {variant!r}")
    source = source.replace('NOTES = "notes.jsonl"', f"NOTES = {str(notes)!r}")
    path.write_text(f"#!{sys.executable} -SI\n{source}")
    path.chmod(0o755)
    return Fake(path, notes)


def is_running(pid: int) -> bool:
    """Does *pid* run? One that nobody has asked for its status yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
