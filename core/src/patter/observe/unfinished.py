"""Finishes the records that a process left when it was killed, or when its disk was full.

Their calls ended somehow, and nobody knows how: the outcome is ``unknown``. A record that a
living process writes is locked, and left alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import attrs

from patter.errors import InputError, PatterError
from patter.observe.call_files import lacks_call_files, write_call_files
from patter.observe.call_log import read_record
from patter.observe.codec import decode_line, encode_line, stamped
from patter.observe.events import CallEvent, Ended
from patter.observe.file_lock import is_at, take_over
from patter.observe.meter import CallMeter
from patter.observe.record_files import NAME, RINGING, UNFINISHED

UNKNOWN, REASON = "unknown", "record_unfinished"
NAMED = 10
"""How many calls a line of the log names."""
_DAYS = "calls/*/*/*"
log = logging.getLogger("patter.observe")


def finish_abandoned(root: Path) -> list[str]:
    """Finish what is unfinished below *root* and nobody's; the directories' names, and a log line.

    Blocks: for a thread. One that cannot be finished is logged, and tried at the next start.
    """
    finished = []
    for directory in _unfinished(root):
        try:
            if _has_unfinished(directory) and _finish(directory):
                finished.append(directory.name)
            if lacks_call_files(directory):
                write_call_files(directory)
        except (OSError, PatterError) as problem:
            log.warning("the record in %s cannot be finished: %s", directory, problem)
    if finished:
        more = f" and {len(finished) - NAMED} more" if len(finished) > NAMED else ""
        log.warning(
            "calls were open when their process ended, and how they ended is unknown; "
            "their records are finished: %s%s",
            ", ".join(finished[:NAMED]),
            more,
        )
    return finished


def ending(events: Sequence[CallEvent]) -> Ended:
    """The last event of a call that had *events* (at least one), and of whose end nobody knows.

    Pure. What it cost is unknown, too: minutes are counted at the end.
    """
    last = events[-1]
    meter = CallMeter(last.call)
    for event in events:
        meter(event)
    summary = meter.summary(outcome=UNKNOWN, reason=REASON, duration_ms=last.at_ms)
    ended = attrs.evolve(summary, cost_usd=None, costs={}, unpriced=()).event()
    return stamped(ended, last.call, last.seq + 1, last.at_ms)


def _finish(directory: Path) -> bool:
    """Finish the record in *directory*; False if there is none to finish, or it is not ours."""
    # A finished record has all that was announced; what else is beside it is another call's.
    names = (RINGING,) if (directory / NAME).exists() else (UNFINISHED, RINGING)
    paths = [path for name in names if (path := directory / name).exists()]
    with ExitStack() as stack:
        files = [_taken_over(path, stack) for path in paths]
        if None in files:
            return False
        # Of one that was just begun, nothing may be there yet but what was announced.
        source = None if UNFINISHED not in names else next(filter(read_record, paths), None)
        if source is not None and not isinstance((events := read_record(source))[-1], Ended):
            _append(source, encode_line(ending(events)) + b"\n")
    return _named(source, paths)


def _taken_over(path: Path, stack: ExitStack) -> int | None:
    """The file at *path*, open and locked until *stack* is left; None when somebody has it."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    stack.callback(os.close, file)
    return file if take_over(file) and is_at(file, path) else None


def _append(path: Path, line: bytes) -> None:
    """Add *line*, which says how the call ended, to the file at *path*, which is ours."""
    body = path.read_bytes()
    whole = body.rfind(b"\n") + 1
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        # What was written of a last line is no event, and would spoil the one behind it.
        if _is_event(body[whole:]):
            line = b"\n" + line
        else:
            file.truncate(whole)
            file.seek(whole)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _is_event(line: bytes) -> bool:
    try:
        decode_line(line)
    except InputError:
        return False
    return True


def _named(source: Path | None, paths: Sequence[Path]) -> bool:
    """Give *source* its final name, and remove the others; False when there is nothing in them."""
    # Another process that has just started may be doing the same.
    with suppress(FileNotFoundError):
        if source is not None:
            source.rename(source.with_name(NAME))
    for path in paths:
        if path != source:
            path.unlink(missing_ok=True)
    return source is not None


def _unfinished(root: Path) -> Iterator[Path]:
    """The directories of calls below *root* in which something is left to do."""
    for day in sorted(root.glob(_DAYS)):
        with suppress(NotADirectoryError), os.scandir(day) as calls:
            places = sorted(Path(call.path) for call in calls)
        yield from (each for each in places if _has_unfinished(each) or lacks_call_files(each))


def _has_unfinished(directory: Path) -> bool:
    return any((directory / name).exists() for name in (UNFINISHED, RINGING))
