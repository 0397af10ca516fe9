"""What a call would pay for Speechmatics' SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are those of one machine; what is blocked meanwhile is every call of a process.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
import warnings
from collections.abc import Callable

from patter.providers.stt import Word

ROUNDS = 300


def timed(what: str, work: Callable[[], object], rounds: int = ROUNDS) -> None:
    for _ in range(5):
        work()
    samples = []
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        work()
        samples.append((time.perf_counter_ns() - begun) / 1e6)
    p99 = statistics.quantiles(samples, n=100)[98]
    print(f"{what}: p50 {statistics.median(samples):.3f} ms, p99 {p99:.3f} ms, n={rounds}")


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def main() -> None:
    warnings.simplefilter("ignore")
    for module in ("speechmatics.rt", "speechmatics.voice"):
        begun, before = time.perf_counter(), memory_mb()
        __import__(module)
        took, grown = (time.perf_counter() - begun) * 1e3, memory_mb() - before
        print(f"importing {module}: {took:.0f} ms, {grown:.0f} MB")

    from speechmatics import rt

    from patter_speechmatics._hearing import Hearing
    from patter_speechmatics._turns import TurnMode, Turns
    from patter_speechmatics.double import messages

    words = [Word(f"word{at}", at * 300, at * 300 + 250) for at in range(20)]
    body = messages.transcript(
        words, final=True, start_ms=0, end_ms=6_000, voice=messages.Voice(), delimiter=" "
    )
    message, hearing = json.dumps(body), Hearing(Turns(TurnMode.ADAPTIVE, 500, 10_000))
    timed(
        "a message of 20 words, SDK",
        lambda: rt.TranscriptResult.from_message(json.loads(message)),
    )
    timed("a message of 20 words, here", lambda: hearing.read(message))
    timed("a client of the SDK, with a TLS context", lambda: rt.AsyncClient(api_key="k"), 50)


if __name__ == "__main__":
    main()
