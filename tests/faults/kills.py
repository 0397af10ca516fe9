"""A phone is killed while it talks and rings: ``python -m tests.faults.kills [SEED] [KILLS]``.

Every call that anybody was told of has one readable record, before the next start and after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import parse_qs

import attrs

from patter.errors import InputError
from patter.observe.call_log import read_record
from patter.observe.events import Ended, Started
from patter.observe.record_files import RINGING, UNFINISHED
from patter.observe.unfinished import UNKNOWN
from patter_twilio.double import TwilioAccountDouble, TwilioDouble

from ..house import ROOT
from .phone import HOST, OURS, bare

KILLS, SEED = 500, 1
CALLERS, CALLEES = 4, 4
LIMIT_S, ALIVE_S = 30.0, 0.7


@attrs.frozen
class Killed:
    """What the outside knows of one phone: whose call was announced, and who had media."""

    announced: frozenset[str]
    talking: frozenset[str]


@attrs.frozen
class Kept:
    """A record on the disk: the party that is not us, and how it ended, if it says so."""

    party: str
    outcome: str | None


@attrs.define(eq=False)
class Nursery:
    """The process that forks phones."""

    process: asyncio.subprocess.Process

    async def phone(self, vendor: TwilioAccountDouble, log: Path, callees: list[str]) -> int:
        """A phone at *vendor*, which now reaches it; its pid."""
        assert self.process.stdin is not None and self.process.stdout is not None
        order = {
            "api": vendor.runtime.url,
            "account": vendor.account,
            "token": vendor.settings.auth_token,
            "log": str(log),
            "callees": callees,
        }
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(LIMIT_S):
            pid, url = json.loads(await self.process.stdout.readline())
        vendor.reaches(url)
        return int(pid)


@asynccontextmanager
async def nursery(complaints: Path) -> AsyncIterator[Nursery]:
    """The nursery while inside; what its phones log goes to the file *complaints*."""
    with complaints.open("ab") as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.nursery"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=err,
        )
    try:
        yield Nursery(process)
    finally:
        process.kill()
        await process.wait()


async def kill_one(nursery: Nursery, log: Path, number: int, random: Random) -> Killed:
    """Start a phone, have it called and calling, and kill it at some moment of that."""
    parties = [f"+1555{number:04}{place:03}" for place in range(CALLERS + CALLEES)]
    callers, callees = parties[:CALLERS], parties[CALLERS:]
    async with TwilioDouble(numbers=(OURS,), public_host=HOST).open() as vendor:
        pid = await nursery.phone(vendor, log, callees)
        try:
            await _ring(vendor, callers, random)
        finally:
            os.kill(pid, signal.SIGKILL)
        return _seen(vendor)


async def _ring(vendor: TwilioAccountDouble, callers: Iterable[str], random: Random) -> None:
    left_s = random.uniform(0, ALIVE_S)
    for caller in callers:
        pause_s = min(left_s, random.uniform(0, ALIVE_S / CALLERS))
        await asyncio.sleep(pause_s)
        left_s -= pause_s
        vendor.rings(caller=caller)
    await asyncio.sleep(left_s)


def _seen(vendor: TwilioAccountDouble) -> Killed:
    answered = {
        parse_qs(webhook.body.decode())["From"][0]
        for webhook, answer in vendor.runtime.sender.answers
        if answer.ok and webhook.url.endswith("/voice")
    }
    calls = vendor.runtime.calls.values()
    dialled = {call.callee for call in calls if bare(call.caller) == bare(OURS)}
    talking = {party for call in calls if call.streams for party in (call.caller, call.callee)}
    return Killed(frozenset(answered | dialled), frozenset(talking - {OURS}))


async def kills(count: int, seed: int, log: Path) -> tuple[list[str], str]:
    """Kill *count* phones of one log root; what is wrong, and a line that says what was done."""
    random, seen, wrong, before = Random(seed), list[Killed](), list[str](), set[Path]()
    complaints = log.with_name("complaints.txt")
    async with nursery(complaints) as phones:
        for number in range(count):
            seen.append(await kill_one(phones, log, number, random))
            # Before the next start mends anything: what is there now must be readable already.
            new = calls(log) - before
            wrong += _wrong(new, seen[-1].announced, f"kill {number}")
            before |= new
        async with TwilioDouble(numbers=(OURS,), public_host=HOST).open() as vendor:
            pid = await phones.phone(vendor, log, [])
            wrong += await _unfinished(log)
            os.kill(pid, signal.SIGKILL)
    everybody = frozenset().union(*(each.announced for each in seen))
    wrong += [*_wrong(calls(log), everybody, "at the end"), *_endless(log)]
    if "how they ended is unknown" not in complaints.read_text(encoding="utf-8"):
        wrong.append("no start said that it finished records")
    return wrong, _counted(log, seen)


def calls(log: Path) -> set[Path]:
    """The directories of calls below *log*; those that a kill left empty are none."""
    return {call for call in log.glob("calls/*/*/*/*") if any(call.glob("call.jsonl*"))}


def kept(directories: Iterable[Path]) -> list[Kept]:
    """The records in *directories*. Raises InputError for one that cannot be read."""
    found = []
    for events in filter(None, map(read_record, directories)):
        started, last = events[0], events[-1]
        assert isinstance(started, Started), started
        party = started.caller if bare(started.callee) == bare(OURS) else started.callee
        found.append(Kept(party, last.outcome if isinstance(last, Ended) else None))
    return found


def _wrong(directories: set[Path], announced: frozenset[str], when: str) -> Iterator[str]:
    """What is wrong with the records in *directories*, if calls of *announced* were announced."""
    try:
        times = Counter(each.party for each in kept(directories))
    except InputError as problem:
        yield f"{when}: {problem}"
        return
    for party in sorted(announced | set(times)):
        if times[party] > 1 or (party in announced and not times[party]):
            yield f"{when}: {times[party]} records of the call with {party}"


def _endless(log: Path) -> Iterator[str]:
    yield from (f"{each.party} has no end" for each in kept(calls(log)) if each.outcome is None)


async def _unfinished(log: Path) -> list[str]:
    """What the last start does not finish, within its time."""
    left: list[Path] = []
    for _ in range(100):
        left = [path for name in (UNFINISHED, RINGING) for path in log.rglob(name)]
        if not left:
            break
        await asyncio.sleep(LIMIT_S / 100)
    return [f"{path} was never finished" for path in left]


def _counted(log: Path, seen: list[Killed]) -> str:
    announced = sum(len(each.announced) for each in seen)
    talking = sum(len(each.announced & each.talking) for each in seen)
    ends = Counter(each.outcome for each in kept(calls(log)))
    return (
        f"{len(seen)} kills, {announced} calls announced, {talking} with media; "
        f"{ends.total()} records, {ends[UNKNOWN]} of an end unknown"
    )


def main() -> int:
    """Run it; the exit status."""
    seed, count = (*map(int, sys.argv[1:3]), *(SEED, KILLS)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        wrong, line = asyncio.run(kills(count, seed, Path(folder) / "log"))
    print(line, *(f"WRONG {each}" for each in wrong), sep="\n")
    print(f"{len(wrong)} things wrong" + (f": again with seed {seed}" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
