"""``patter calls erase``: words, audio and numbers of calls are gone; a tombstone stays.

The tombstone is written first and the record goes next: whoever is killed in between has erased
the call, and erases what is left of it the next time.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from patter.cli.exits import NO, OK
from patter.clock import LoopClock
from patter.errors import CallStateError, InputError
from patter.observe.call_files import write_whole
from patter.observe.documents import SCHEMA, moment
from patter.observe.record_files import NAME
from patter.observe.redact import Redaction, Redactor
from patter.observe.root_secret import redactor_for
from patter.observe.stored_calls import TOMBSTONE, StoredCall, calls_in
from patter.plugins.registry import PluginRegistry
from patter_calls.stored import call_named

_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("id", metavar="ID", nargs="?", help="a call, or last")
    which.add_argument("--number", metavar="N", help="every call that has this number in it")


def run(args: argparse.Namespace, root: Path) -> int:
    """Erase after asking; NO when it was refused, or some of the calls cannot be erased now."""
    calls = _of_number(args, root) if args.number else [call_named(root, args.id)]
    live = [call for call in calls if call.live]
    if live and not args.number:
        raise CallStateError(f"call {live[0].call_id} goes on", fix="erase it when it is over")
    calls = [call for call in calls if not call.live]
    for call in live:
        args.out.warn(f"call {call.call_id} goes on: erase it when it is over")
    count = _count(len(calls))
    if calls and not args.out.confirm(f"erase {count}? It cannot be undone"):
        args.out.progress("not erased")
        return NO
    for call in calls:
        erase(call, moment(LoopClock().wall()))
    _erase_elsewhere(root, [call.call_id for call in calls])
    text = f"erased {count}: words, audio, numbers; a tombstone with id and time stays"
    ids = [call.call_id for call in calls]
    args.out.answer(text, {"erased": ids, "live": [call.call_id for call in live]})
    return NO if live else OK


def _erase_elsewhere(root: Path, ids: Sequence[str]) -> None:
    """Let extensions erase what they keep of calls, such as an index of their words."""
    if ids:
        registry = PluginRegistry.from_environment()
        registry.load_extensions()
        registry.calls_erased(root, ids)


def erase(call: StoredCall, now: str) -> None:
    """Leave of *call* its id, when it began, and *now*. Raises OSError."""
    tombstone = {
        "schema_version": SCHEMA,
        "call_id": call.call_id,
        "started_at": call.started_at,
        "erased_at": call.metadata.get("erased_at", now),
    }
    write_whole(call.directory / TOMBSTONE, [tombstone])
    left = [path for path in call.directory.iterdir() if path.name != TOMBSTONE]
    for path in sorted(left, key=lambda path: not path.name.startswith(NAME)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _of_number(args: argparse.Namespace, root: Path) -> list[StoredCall]:
    """The calls that have the number anywhere. Raises InputError when that cannot be told."""
    if not _NUMBER.fullmatch(args.number):
        raise InputError(f"{args.number!r} is not a valid number", fix="write it like +15550188000")
    calls = [call for call in calls_in(root) if not call.erased]
    masked = f"***{args.number[-4:]}".encode()
    if unclear := [call for call in calls if _holds(call, [masked])]:
        ids = ", ".join(call.call_id for call in unclear[:3])
        args.out.warn(
            f"{_count(len(unclear))} may be of {masked.decode()}, masked when written: {ids}; "
            "erase those by id"
        )
    return [call for call in calls if _has_number(call, args.number, redactor_for(root))]


def _has_number(call: StoredCall, number: str, redactor: Redactor) -> bool:
    """Is *number* in any file of *call*, as it is or as its hash?"""
    digits = re.compile(rb"(?<!\d)%b(?!\d)" % number.removeprefix("+").encode())
    hashed = [redactor.number(number).encode()] if redactor.how is Redaction.HASH_ONLY else []
    bodies = _texts(call)
    return any(digits.search(body) or any(each in body for each in hashed) for body in bodies)


def _holds(call: StoredCall, words: Iterable[bytes]) -> bool:
    return any(word in body for body in _texts(call) for word in words)


def _texts(call: StoredCall) -> list[bytes]:
    files = (path for path in call.directory.iterdir() if path.is_file())
    return [path.read_bytes() for path in files if path.suffix != ".wav"]


def _count(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"
