"""Files of words that a command line names."""

from __future__ import annotations

from pathlib import Path

from patter.errors import InputError


def text_of(path: str) -> str:
    """What is written in *path*, in UTF-8. Raises InputError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} cannot be read: {exc}", fix="name a text file") from exc
