"""The files beside a record, for who does not read `call.jsonl`: made of it, and made again.

`metadata.json` is written when a call begins and when it is over, the other two at its end,
`transcript.jsonl` last: a directory that has that has them all. Each takes the place of the one
before at once, whole, and only its owner may read it. Blocks: for a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import orjson

from patter.observe.codec import decode_line
from patter.observe.documents import deeds, metadata, transcript
from patter.observe.events import CallEvent
from patter.observe.log_root import FILE_MODE
from patter.observe.record_files import NAME
from patter.observe.recorder import NAME as RECORDING

METADATA, TRANSCRIPT, DEEDS = "metadata.json", "transcript.jsonl", "events.jsonl"
_STEP = b'"type":"step"'
_HEAD = 200
"""How far into its line the type of an event is sought; ids are shorter."""


def write_call_files(directory: Path) -> None:
    """Write what belongs beside the finished record in *directory*. Raises OSError, InputError."""
    events = _events(directory / NAME)
    recording = RECORDING if (directory / RECORDING).exists() else ""
    write_whole(directory / METADATA, [metadata(events, recording)])
    write_whole(directory / DEEDS, deeds(events))
    write_whole(directory / TRANSCRIPT, transcript(events))


def write_beginning(directory: Path, first: bytes) -> None:
    """Write the metadata of a call that goes on, of the *first* line of its record."""
    write_whole(directory / METADATA, [metadata([decode_line(first)])])


def lacks_call_files(directory: Path) -> bool:
    """Has *directory* a finished record, and not all that belongs beside it?"""
    return (directory / NAME).exists() and not (directory / TRANSCRIPT).exists()


def write_whole(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Put *documents*, a line each, in the place of *path*, at once. Raises OSError."""
    body = b"".join(orjson.dumps(each) + b"\n" for each in documents)
    # Two processes may be starting on one log root, and both find that it is missing.
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(file, "wb") as writing:
            writing.write(body)
            writing.flush()
            os.fsync(writing.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _events(record: Path) -> list[CallEvent]:
    """The events of *record* that the files speak of.

    Steps of the turn engine are most of a record and say nothing here: they are not decoded.
    """
    with record.open("rb") as lines:
        return [decode_line(line) for line in lines if _STEP not in line[:_HEAD]]
