"""What must hold when the day is over, of every call and of the phone; all that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from patter.observe.record_files import RINGING, UNFINISHED
from patter.observe.unfinished import UNKNOWN, finish_abandoned
from patter.phone.results import CallResult

from . import own
from .audit_record import Record, records
from .people import NOBODY, Case
from .phone import Phone

DEPTH = 12
BOUNDED = ("Costs", "Memory", "Prices")
"""What lines keep of calls that are over, for what is told late; their own tests bound it."""


def of_calls(phone: Phone, cases: Iterable[Case]) -> Iterator[str]:
    """What is wrong with the calls, once the phone has stopped."""
    if phone.disk_full:
        # As the next start does: what is cut off is readable, and nobody knows how it ended.
        finish_abandoned(phone.log)
    kept = records(phone.log)
    known = {case.party: case for case in cases}
    for party, ends in phone.ended.items():
        if party not in known:
            yield f"a call with {party!r} that never was: {ends}"
    for case in known.values():
        for said in _of_case(case, phone, kept):
            yield f"{case.name} {case.party}: {said}; {_told(case)}"
    told = {end["call_id"] for ends in phone.ended.values() for end in ends}
    for call_id in kept.keys() - told:
        yield f"record {call_id} of a call whose end nobody was told"
    for path in (*phone.log.rglob(UNFINISHED), *phone.log.rglob(RINGING)):
        yield f"{path} is not finished"


def _of_case(case: Case, phone: Phone, kept: dict[str, Record]) -> Iterator[str]:
    ends = phone.ended.get(case.party, [])
    if len(ends) != 1 and not (NOBODY in case.accepted and not ends):
        yield f"its end was told {len(ends)} times"
    for end in ends:
        record = kept.get(end["call_id"])
        if record is None:
            yield from () if phone.disk_full else ("it has no record",)
            continue
        if faults := [*record.faults()]:
            yield from faults
            continue
        if phone.vendors is not None and record.outcome == "failed" and record.refusals:
            # The vendors failed three replies in a row: the agent apologised, and hung up.
            continue
        if phone.disk_full and record.outcome == UNKNOWN:
            continue
        yield from _untrue(case, record, end)
        if phone.vendors is None:
            yield from own.of_case(case, phone, record)
        unheard = phone.vendors is not None and record.cut_off
        if case.trouble and not record.excuses and not unheard:
            yield f"without a reason: {', '.join(case.trouble)}"
    if case.call is not None and not case.call.over:
        yield "its line is still up"
    for human in case.call.humans if case.call is not None else ():
        if not human.over:
            yield "a human is still on the line"


def _untrue(case: Case, record: Record, end: dict[str, Any]) -> Iterator[str]:
    if record.outcome not in case.accepted:
        yield f"the record says {record.outcome}, it was {'/'.join(sorted(case.accepted))}"
    if end["outcome"] != record.ended["outcome"]:
        yield f"on_call_end was told {end['outcome']}, the record {record.ended['outcome']}"
    if case.result is not None:
        yield from _unequal(case.result, record, case.accepted)
    elif case.error is None and not case.inbound:
        yield "nobody was told how it went"


def _unequal(result: CallResult, record: Record, accepted: frozenset[str]) -> Iterator[str]:
    """A call that was answered, and had no conversation, is a failed one in its record only."""
    told = (result.call_id, round(result.duration_seconds * 1_000), result.outcome.value)
    kept = (record.call_id, record.ended["duration_ms"], record.outcome)
    unsaid = (told[2], kept[2]) == ("answered", "failed") and accepted >= {"answered", "failed"}
    if told[:2] != kept[:2] or (told[2] != kept[2] and not unsaid):
        yield f"the result is {told}, the record {kept}"


def _told(case: Case) -> str:
    far = case.call
    went = "never there" if far is None else f"{' > '.join(far.journey)} ({far.status})"
    return f"it went {went}, {case.error!r} {case.trouble}"


def of_phone(phone: Phone) -> Iterator[str]:
    """What the phone, its line and its double still hold when it has stopped."""
    board = phone.serving.switchboard
    registry: Any = phone.serving.registry
    if board.calls or registry.open_calls:
        yield f"{len(board.calls)} calls run, {registry.open_calls} are open"
    for webhook in phone.vendor.runtime.sender.forgeries_taken:
        yield f"a forgery was taken: {webhook.url}"
    for call in phone.vendor.runtime.calls.values():
        if not call.over:
            yield f"{call.call_id} to {call.callee} is with {call.where} for ever"
        for stream in call.streams:
            yield from (f"a frame of no sense: {frame}" for frame in stream.malformed)
    if kept := remembered(phone):
        yield f"the line remembers {len(kept)} calls that are over: {kept}, {_where(phone, kept)}"


def remembered(phone: Phone) -> list[str]:
    """The calls that the carrier's line still holds anything of."""
    lines = phone.serving.switchboard.lines.values()
    held = {text for line in lines for text in _texts(line, set())}
    return sorted(call for call in phone.vendor.runtime.calls if call in held)


def _where(phone: Phone, calls: list[str]) -> list[str]:
    """What of the lines holds *calls*, by the names of their attributes."""
    lines = phone.serving.switchboard.lines.values()
    pairs = [(name, each) for line in lines for name, each in _named(line)]
    return sorted({name for name, each in pairs if {*_texts(each, set())} & {*calls}})


def _named(thing: Any) -> Iterator[tuple[str, Any]]:
    names = [*vars(thing)] if hasattr(thing, "__dict__") else []
    names += [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    yield from ((name, getattr(thing, name)) for name in names if hasattr(thing, name))


def _texts(thing: Any, seen: set[int], depth: int = 0) -> Iterator[str]:
    """Every text that *thing*, something of a plugin's, holds."""
    if id(thing) in seen or depth > DEPTH:
        return
    seen.add(id(thing))
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for pair in thing.items():
            yield from _texts(pair, seen, depth + 1)
    elif isinstance(thing, Iterable) and type(thing).__module__ in ("builtins", "collections"):
        for each in tuple(thing):
            yield from _texts(each, seen, depth + 1)
    elif type(thing).__module__.startswith("patter_") and type(thing).__name__ not in BOUNDED:
        for each in _fields(thing):
            yield from _texts(each, seen, depth + 1)


def _fields(thing: Any) -> Iterator[Any]:
    yield from vars(thing).values() if hasattr(thing, "__dict__") else ()
    for kind in type(thing).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name != "__weakref__" and hasattr(thing, name):
                yield getattr(thing, name)
