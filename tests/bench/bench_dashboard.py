"""The dashboard over ten thousand calls: every figure beside its budget; exits 1 when one is over.

The server is a process of its own, as `patter dashboard` is; what is measured is what a page waits
for, over a socket. ``--quick`` makes a few hundred calls to see that all of it works. Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from callbench.report import Report, machine

from patter.observe.call_log import write_record
from patter.observe.codec import stamped
from patter.observe.events import (
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Note,
    Row,
    Started,
    ToolRun,
    Turn,
)
from patter.observe.log_root import call_directory
from patter.observe.recorder import wav_header
from patter_testing import chrome
from patter_testing.chrome import CHROMIUM

WALL = 1_790_000_000.0
DAYS, TURNS, STEPS = 30, 6, 20
TURNS_OF_AN_HOUR, HOUR_MS = 660, 3_600_000
RATE_HZ = 8_000
API = "/dashboard/api"
WORDS = (
    "what are your opening hours",
    "book a table for two",
    "do you have mussels today",
    "is there parking near you",
    "could you say that again please",
)
FILTERS = {
    "time": "from=2026-09-10&to=2026-09-15",
    "outcome": "outcome=failed",
    "agent": "agent=desk",
    "number": "number=5550",
    "gap": "gap=1500",
    "tool": "tool=book_table",
    "words said": "said=mussels",
    "a phrase": "said=%22near+you%22",
    "words nobody said": "said=xylophone",
    "price": "price=unknown",
    "cost": "cost_over=0.03",
    "provider": "provider=deepgram",
    "error": "error=TIMEOUT",
    "all at once": (
        "outcome=completed&agent=bistro&gap=900&tool=book_table&said=table&from=2026-09-01"
    ),
}


def one_call(
    at: int, wall: float, luck: random.Random, turns: int = TURNS, length_ms: int = 31_000
) -> list[CallEvent]:
    """A call of so many *turns*, with as many steps of the engine as a real one has."""
    every_ms = length_ms // turns
    events: list[CallEvent] = [
        Started(
            caller=f"+1555010{at % 10_000:04}",
            callee="+15550001234",
            direction="inbound" if at % 5 else "outbound",
            carrier="twilio",
            agent=("bistro", "desk", "night")[at % 3],
            language="en",
            wall=wall,
            providers={
                "stt": "deepgram/nova-3",
                "llm": "openai/gpt-4o-mini",
                "tts": "elevenlabs/flash",
            },
        )
    ]
    for turn in range(1, turns + 1):
        began_ms = (turn - 1) * every_ms
        gap_ms, words = luck.randint(400, 1_800), luck.choice(WORDS)
        step = {"name": "CallerWords", "fields": {"at_ms": 0, "text": words, "final": False}}
        events += [EngineStep(input=step, effects=[])] * STEPS
        asked = Row(
            role="caller", text=words, turn=turn, began_ms=began_ms, ended_ms=began_ms + 1_400
        )
        events.append(asked)
        events.append(Note(what="llm_request", messages=[{"role": "caller", "text": words}]))
        if "book" in words:
            booked: dict[str, Any] = {"name": "book_table", "arguments": {"people": 2}}
            events.append(ToolRun(what="finished", result="R-17", ok=True, turn=turn, **booked))
        stages = {"stt": gap_ms // 3, "end": gap_ms // 4, "tts": gap_ms - gap_ms // 3 - gap_ms // 4}
        events.append(Turn(turn=turn, epoch=turn, gap_ms=gap_ms, stages=stages))
        reply = f"We are open from five to eleven, as on any other day of this week, guest {at}."
        answer_ms = began_ms + 1_400 + gap_ms
        events.append(Row(role="agent", text=reply, turn=turn, epoch=turn, began_ms=answer_ms))
    if at % 50 == 0:
        events.append(ErrorEvent(code="TIMEOUT", message="no audio", fix="tts=[...]", where="tts"))
    events.append(
        Ended(
            outcome="completed" if at % 25 else "failed",
            reason="caller",
            duration_ms=length_ms,
            turns=turns,
            gap_p50_ms=800,
            gap_p95_ms=1_300,
            cost_usd=luck.random() / 25 if at % 100 else None,
            costs={"llm": 0.001, "carrier": 0.012, "tts": 0.007},
        )
    )
    return events


def keep_calls(root: Path, count: int) -> None:
    """Records of *count* calls over thirty days; the newest is of an hour, with its audio."""
    luck = random.Random(7)
    for at in range(count):
        wall = WALL - at * DAYS * 86_400 / count
        call_id = f"{at:06x}{luck.getrandbits(64):016x}"
        directory = call_directory(root, call_id, wall)
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        turns, length_ms = (TURNS, 31_000) if at else (TURNS_OF_AN_HOUR, HOUR_MS)
        events = one_call(at, wall, luck, turns, length_ms)
        lines = (
            stamped(event, call_id, n, n * length_ms // len(events))
            for n, event in enumerate(events, 1)
        )
        write_record(directory / "call.jsonl", lines)
        if at == 0:
            keep_audio(directory / "call.wav", 3_600)


def keep_audio(path: Path, seconds: int) -> None:
    second = random.Random(1).randbytes(RATE_HZ * 4)
    with path.open("wb") as file:
        file.write(wav_header(RATE_HZ, seconds * len(second)))
        for _ in range(seconds):
            file.write(second)


@contextmanager
def served(root: Path) -> Iterator[tuple[int, int]]:
    """`patter dashboard` over *root*: its port and its process."""
    words = ["-m", "patter.cli", "dashboard", "--root", str(root), "--port", "0", "--json"]
    child = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATTER_ONLY_PLUGINS": "dashboard"},
    )
    assert child.stdout is not None
    try:
        url = json.loads(child.stdout.readline())["url"]
        yield int(url.rpartition(":")[2].partition("/")[0]), child.pid
    finally:
        child.terminate()
        child.wait(30)
        child.stdout.close()


def ask(port: int, path: str, **headers: str) -> tuple[float, bytes]:
    """How long *path* took to be answered in full, in milliseconds, and the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    took_ms = (time.perf_counter() - began) * 1_000
    connection.close()
    if answer.status not in (200, 206):
        raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
    return took_ms, body


def slow(port: int, path: str, times: int = 15) -> float:
    """The second slowest of a few answers."""
    return sorted(ask(port, path)[0] for _ in range(times))[-2]


def indexed(port: int, count: int) -> float:
    """Wait until all calls are indexed; in seconds."""
    began = time.perf_counter()
    while True:
        index = json.loads(ask(port, f"{API}/calls?limit=1")[1])["index"]
        if index["state"] == "ready" and index["indexed"] == count:
            return time.perf_counter() - began
        if time.perf_counter() - began > 600:
            raise SystemExit(f"not indexed: {index}")
        time.sleep(0.2)


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1_024


def measured(report: Report, root: Path, count: int) -> None:
    """Everything a page waits for."""
    with served(root) as (port, pid):
        report.note(f"index of {count} calls made in {indexed(port, count):.1f} s")
        report.note(f"index {size_mb(root):.1f} MB, memory {resident_mb(pid):.0f} MB at most")
    # Again: what is measured is a server that finds its index, and has answered nothing yet.
    with served(root) as (port, pid):
        report.figure("first rows, of a server just begun", ask(port, f"{API}/calls")[0], "ms", 300)
        indexed(port, count)
        report.figure("first rows", slow(port, f"{API}/calls"), "ms", 200)
        deep = deepest(port)
        report.figure("a page far down", slow(port, f"{API}/calls?cursor={deep}"), "ms", 200)
        for name, query in FILTERS.items():
            report.figure(f"filter: {name}", slow(port, f"{API}/calls?{query}"), "ms", 200)
        figures = slow(port, f"{API}/summary?from=2026-08-01", 5)
        report.figure("cost and latency of all", figures, "ms", 1_000)
        newest = json.loads(ask(port, f"{API}/calls?limit=1")[1])["data"][0]["id"]
        report.figure("an hour of audio, opened first", opened(port, newest), "ms", 1_000)
        again = statistics.median(opened(port, newest) for _ in range(5))
        report.figure("an hour of audio, opened again", again, "ms", 1_000)
        if CHROMIUM is None:
            report.note("an hour's page in the browser: not measured, there is no chromium")
        else:
            took_ms = asyncio.run(shown(port, newest))
            report.figure("an hour's page, in the browser", took_ms, "ms", 1_000)
        report.figure("memory, at most", resident_mb(pid), "MB", 100)


def deepest(port: int) -> str:
    cursor = ""
    for _ in range(20):
        following = json.loads(ask(port, f"{API}/calls?limit=100&cursor={cursor}")[1])["next"]
        if following is None:
            break
        cursor = following
    return cursor


def opened(port: int, call_id: str) -> float:
    """What a page asks for before the first sound in the middle of a recording."""
    one = f"{API}/calls/{call_id}"
    middle = "bytes=57600044-57665579"
    return (
        ask(port, one)[0]
        + ask(port, f"{one}/peaks?n=1200")[0]
        + ask(port, f"{one}/audio", Range=middle)[0]
    )


async def shown(port: int, call_id: str) -> float:
    """How long until words and picture of a call are on the screen: the second slowest of a few."""
    url = f"http://127.0.0.1:{port}/dashboard/calls"
    ready = "document.querySelector('.said-row') && document.querySelector('.lanes .wave')"
    took_ms = []
    with tempfile.TemporaryDirectory(prefix="patter-bench-browser-") as profile:
        async with chrome.browser(Path(profile), patience_s=30.0) as tab:
            await tab.size(1280, 860)
            for _ in range(6):
                await tab.open(url, "document.querySelector('.call-link')")
                began = time.perf_counter()
                await tab.open(f"{url}/{call_id}", ready)
                took_ms.append((time.perf_counter() - began) * 1_000)
            if tab.problems:
                raise SystemExit(f"the page has errors: {tab.problems}")
    return sorted(took_ms)[-2]


def size_mb(root: Path) -> float:
    return sum(path.stat().st_size for path in root.glob("dashboard.*")) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--calls", type=int, default=10_000)
    options = parser.parse_args()
    count = 300 if options.quick else options.calls
    report = Report()
    report.note(machine())
    report.title(f"the dashboard over {count} calls")
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as directory:
        root = Path(directory)
        root.chmod(0o700)
        keep_calls(root, count)
        measured(report, root, count)
    over = [] if options.quick else report.over
    report.title(f"over budget: {', '.join(over)}" if over else "all within budget")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
