"""What a call would pay for AssemblyAI's SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are those of one machine; what is blocked meanwhile is every call of a process.
"""

from __future__ import annotations

import json
import resource
import ssl
import statistics
import time
import warnings
from collections.abc import Callable

from patter.providers.stt import Word
from patter_assemblyai._turns import TurnHearing
from patter_assemblyai.double import messages

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


def imported() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    from assemblyai.streaming.v3 import AsyncRealTimeTranscriber

    AsyncRealTimeTranscriber(api_key="k")
    took_ms = (time.perf_counter() - begun) * 1e3
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"importing the SDK and making a client: {took_ms:.0f} ms, {grown_mb:.0f} MB")


def main() -> None:
    warnings.simplefilter("ignore")
    imported()
    from assemblyai.streaming.v3.async_client import AsyncRealTimeTranscriber

    words = [Word(f"word{at}", at * 300, at * 300 + 250) for at in range(20)]
    transcript = " ".join(word.text for word in words[:-1])
    message = json.dumps(messages.turn(0, transcript, words, pending=1))
    parse = AsyncRealTimeTranscriber._parse_message
    timed("a message of 20 words, SDK", lambda: parse(json.loads(message)))
    timed("a message of 20 words, here", lambda: TurnHearing().read(message))
    timed("a TLS context, once a connection in the SDK", ssl.create_default_context, 50)


if __name__ == "__main__":
    main()
