"""What a call would pay for Deepgram's SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are those of one machine; what is blocked meanwhile is every call of a process.
"""

from __future__ import annotations

import ssl
import statistics
import time
import warnings
from collections.abc import Callable

from patter.providers.stt import Transcript, Word

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


def main() -> None:
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    from deepgram import AsyncDeepgramClient

    AsyncDeepgramClient(api_key="k").listen.v1  # noqa: B018
    print(f"importing the SDK and making a client: {(time.perf_counter() - begun) * 1e3:.0f} ms")

    import json

    from deepgram.core.unchecked_base_model import construct_type
    from deepgram.listen.v1.socket_client import V1SocketClientResponse

    from patter_deepgram._nova import NovaHearing
    from patter_deepgram.double import messages

    words = tuple(Word(f"word{at}", at * 300, at * 300 + 250) for at in range(20))
    heard = Transcript(" ".join(word.text for word in words), True, words[-1].end_ms, words=words)
    body = messages.results(heard, start_ms=0, end_ms=6_000, model="nova-3", punctuated=True)
    message, hearing = json.dumps(body), NovaHearing()
    kind: type = V1SocketClientResponse  # type: ignore[assignment]
    timed(
        "a message of 20 words, SDK",
        lambda: construct_type(type_=kind, object_=json.loads(message)),
    )
    timed("a message of 20 words, here", lambda: hearing.read(message))
    timed("a TLS context, once a connection in the SDK", ssl.create_default_context, 50)


if __name__ == "__main__":
    main()
