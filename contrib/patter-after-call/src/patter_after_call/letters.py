"""The files of an outbox: a letter each, whole or not there, with its attempts in its name.

``outbox/DESTINATION/CREATED-ATTEMPTS-KEY.json``; the time of the last attempt is the file's. A
letter that was given up is moved to ``dead`` beside it. Blocks: for a thread.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import orjson

from patter.observe.call_files import write_whole
from patter.observe.log_root import make_private

DEAD = "dead"
DEAD_DAYS = 30
"""They have words of calls, as records have, which are kept for so long by default."""
_NAME = re.compile(r"(\d{13})-(\d{4})-([A-Za-z0-9._-]{1,120})\.json")
ATTEMPTS_MOST = 9_999


@attrs.frozen
class Letter:
    """One letter at *path*: made at *created_s*, tried *attempts* times, the last at *tried_s*."""

    path: Path
    key: str
    created_s: float
    attempts: int
    tried_s: float

    def read(self) -> dict[str, Any]:
        """What is to be sent. Raises OSError, ValueError."""
        body: dict[str, Any] = orjson.loads(self.path.read_bytes())
        return body

    def tried(self, now_s: float) -> Letter:
        """This letter after another attempt, on the disk, too."""
        attempts = min(ATTEMPTS_MOST, self.attempts + 1)
        path = self.path.with_name(_name(self.created_s, attempts, self.key))
        self.path.rename(path)
        os.utime(path, (now_s, now_s))
        return attrs.evolve(self, path=path, attempts=attempts, tried_s=now_s)

    def delivered(self) -> None:
        """Remove it; one that somebody else has removed is no error."""
        self.path.unlink(missing_ok=True)
        sync(self.path.parent)

    def give_up(self) -> None:
        """Move it to the dead letters."""
        dead = self.path.parent / DEAD
        make_private(dead)
        with suppress(FileNotFoundError):
            self.path.rename(dead / self.path.name)


def destination(root: Path, url: str) -> Path:
    """The directory of the letters to *url* below the log root *root*."""
    return root / "outbox" / hashlib.sha256(url.encode()).hexdigest()[:16]


def post_letter(folder: Path, key: str, now_s: float, body: Mapping[str, Any]) -> Path:
    """Keep *body* in *folder*; once this returns, a crash does not lose it. Raises OSError."""
    make_private(folder)
    path = folder / _name(now_s, 0, key)
    write_whole(path, [body])
    sync(folder)
    return path


def letters_in(folder: Path) -> list[Letter]:
    """The letters of *folder*, the oldest first."""
    return sorted(_letters(folder), key=lambda letter: (letter.created_s, letter.key))


def has_letter(folder: Path, key: str) -> bool:
    """Is a letter with *key* in *folder*?"""
    return any(letter.key == key for letter in _letters(folder))


def erase_letters(root: Path, keys: Collection[str]) -> None:
    """Remove every letter below the log root *root* that has one of *keys*, dead ones too."""
    for folder in (root / "outbox").glob("*/"):
        for letter in (*_letters(folder), *_letters(folder / DEAD)):
            if letter.key in keys:
                letter.path.unlink(missing_ok=True)


def forget_dead(folder: Path, now_s: float) -> None:
    """Remove the dead letters of *folder* that nobody has looked at for `DEAD_DAYS`."""
    for letter in _letters(folder / DEAD):
        if now_s - letter.tried_s > DEAD_DAYS * 86_400:
            letter.path.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Have the names in *folder* survive a crash of the machine; not every system can."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _letters(folder: Path) -> Iterator[Letter]:
    with suppress(FileNotFoundError):
        with os.scandir(folder) as entries:
            all_entries = list(entries)
        for entry in all_entries:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            with suppress(FileNotFoundError):
                created_s, attempts = int(match[1]) / 1_000, int(match[2])
                tried_s = entry.stat().st_mtime
                yield Letter(Path(entry.path), match[3], created_s, attempts, tried_s)


def _name(created_s: float, attempts: int, key: str) -> str:
    return f"{round(created_s * 1_000):013d}-{attempts:04d}-{key}.json"
