"""``patter calls show``: one call as its lines; one that goes on is followed to its end."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import attrs

from patter.cli.exits import NO, OK
from patter.cli.out import Out
from patter.cli.screen import Screen, can_repaint
from patter.clock import Clock, LoopClock
from patter.errors import InputError
from patter.observe.call_log import read_record
from patter.observe.codec import decode_line, encode_line
from patter.observe.events import CallEvent, Ended, Started
from patter.observe.lines import footer
from patter.observe.record_files import NAME, UNFINISHED
from patter.observe.redact import Redactor
from patter.observe.root_secret import redactor_for
from patter.observe.stored_calls import StoredCall
from patter.observe.view import view
from patter_calls import after_call
from patter_calls.painted import paints, show_turns
from patter_calls.stored import call_named, readable

PACE_MS = 200


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.add_argument("id", metavar="ID", help="a call, by the beginning of its id, or last")
    parser.add_argument("--follow", action="store_true", help="as it goes on, to its end")


def run(args: argparse.Namespace, root: Path) -> int:
    """Show the call; NO when it was followed and its process was killed."""
    call, redactor = readable(call_named(root, args.id)), redactor_for(root)
    if args.follow:
        return asyncio.run(_followed(call, args.out, redactor))
    events = read_record(call.directory)
    numbers = parties(events)
    for event in events if args.out.json else ():
        line = redactor.text(encode_line(event).decode(), numbers)
        args.out.answer("", json.loads(line))
    kept = after_call.read(call.directory)
    if kept is not None and args.out.json:
        line = redactor.text(json.dumps({"type": "after_call", **kept}), numbers)
        args.out.answer("", json.loads(line))
    if not args.out.json:
        shown = [*view(events), *(after_call.lines(kept) if kept else ())]
        args.out.answer(redactor.text("\n".join(shown), numbers), {})
        if paints(args.out):
            show_turns(args.out, events)
    return OK


def parties(events: list[CallEvent]) -> tuple[str, ...]:
    """Who speaks with whom, to be redacted wherever it stands."""
    started = next((event for event in events if isinstance(event, Started)), Started())
    # Only what looks like a number: a caller named "turn" must not cost every line its turn.
    return tuple(
        name for name in (started.caller, started.callee) if sum(map(str.isdigit, name)) > 5
    )


@attrs.define(eq=False)
class Tail:
    """The events of a record as they are written; a line that is not whole waits for its rest."""

    call: StoredCall
    _read: int = attrs.field(default=0, init=False)

    def more(self) -> Iterator[CallEvent]:
        """What has come since the last time. Raises InputError."""
        body = b""
        # Of one that only rings there is no event yet, and a finished one has its other name.
        for name in (UNFINISHED, NAME):
            path = self.call.directory / name
            if path.exists():
                with path.open("rb") as record:
                    record.seek(self._read)
                    body = record.read()
                break
        whole = body.rfind(b"\n") + 1
        self._read += whole
        yield from (decode_line(line) for line in body[:whole].splitlines())


async def _followed(call: StoredCall, out: Out, redactor: Redactor) -> int:
    screen = Screen(out, redactor, repaint=can_repaint(out))
    try:
        ended = await _until_its_end(call, screen, LoopClock())
    finally:
        await screen.finish()
    if ended is None:
        gone = InputError(
            f"call {call.call_id} has no end: its process is gone",
            fix="the next start of patter serve finishes its record",
        )
        out.error(gone)
        return NO
    if not out.json:
        out.answer("\n".join(footer(ended)), {})
    return OK


async def _until_its_end(call: StoredCall, screen: Screen, clock: Clock) -> Ended | None:
    """Show what comes; the last event, or None when nobody writes the record any more."""
    tail = Tail(call)
    while True:
        # Asked before reading: what is written between the two is then read in the last round.
        live = call.live
        for event in tail.more():
            if isinstance(event, Started):
                screen.numbers = parties([event])
            screen(event)
            if isinstance(event, Ended):
                return event
        if not live:
            return None
        await clock.sleep(PACE_MS)
