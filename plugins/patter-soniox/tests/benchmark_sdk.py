"""What a call would pay for Soniox's SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are processor time on one machine, so that what else runs there matters little; the
loop is blocked for at least as long, and with it every call of a process.
"""

from __future__ import annotations

import json
import resource
import ssl
import statistics
import time
from collections.abc import Callable

from patter.providers.stt import Word
from patter_soniox.double import messages

ROUNDS = 300
RECEIVED = 20


def timed(what: str, work: Callable[[], object], rounds: int = ROUNDS) -> None:
    for _ in range(5):
        work()
    samples = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        work()
        samples.append((time.thread_time_ns() - begun) / 1e6)
    p99 = statistics.quantiles(samples, n=100)[98]
    print(f"{what}: p50 {statistics.median(samples):.3f} ms, p99 {p99:.3f} ms, n={rounds}")


def message() -> str:
    """Twenty words that are not final, with languages and speakers."""
    words = [Word(f"word{at}", at * 300, at * 300 + 250) for at in range(RECEIVED)]
    found = [
        token
        for word in words
        for token in messages.tokens(word, first=False, final=False, language="en", speaker="1")
    ]
    return json.dumps(messages.response(found, final_ms=0, total_ms=6_000))


def main() -> None:
    from patter_soniox._hearing import Hearing

    before_kb, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    from soniox import AsyncSonioxClient

    AsyncSonioxClient(api_key="k").realtime.stt  # noqa: B018
    took_ms = (time.thread_time() - begun) * 1e3
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1_024
    print(f"importing the SDK and making a client: {took_ms:.0f} ms, {grown_mb:.0f} MB")

    from soniox.types import RealtimeEvent

    text, hearing = message(), Hearing(judges=True)
    timed("a message of 20 words, SDK (no words made of it)", lambda: event(RealtimeEvent, text))
    timed("a message of 20 words, here (words made of it)", lambda: hearing.read(text))
    timed("a TLS context, once a connection in the SDK", ssl.create_default_context, 50)


def event(kind: type, text: str) -> object:
    return kind.validate_event(text)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
