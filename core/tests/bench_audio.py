"""What do 20 ms of audio cost, converted or asked for an echo? Exits 1 over budget."""

from __future__ import annotations

import statistics
import sys
import time

from patter.audio.convert import converter
from patter.audio.echo import EchoGate
from patter.audio.fit import chain
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
)

ROUNDS = 2_000
PATHS = (
    (MULAW_8K, MULAW_8K, 2),
    (MULAW_8K, ALAW_8K, 5),
    (MULAW_8K, PCM16_8K, 10),
    (PCM16_8K, MULAW_8K, 15),
    (MULAW_8K, PCM16_16K, 150),
    (PCM16_24K, MULAW_8K, 250),
)


def measure(source: AudioFormat, sink: AudioFormat, budget_us: float) -> bool:
    frame, stream, samples = bytes(source.bytes_in(20)), converter(chain(source, sink)), []
    for _ in range(ROUNDS):
        begun = time.perf_counter_ns()
        stream.feed(frame)
        samples.append((time.perf_counter_ns() - begun) / 1_000)
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    print(
        f"{source} to {sink}: p50 {p50:.2f} us, p99 {p99:.2f} us for 20 ms, "
        f"budget {budget_us} us (p50), n={ROUNDS}"
    )
    return p50 > budget_us


def measure_echo(budget_us: float = 100) -> bool:
    """The gate while the agent speaks, what is played counted in."""
    gate, chunk, frame, samples = EchoGate(MULAW_8K, MULAW_8K), b"\x20" * 800, b"\x70" * 160, []
    for at_ms in range(0, 20 * ROUNDS, 20):
        begun = time.perf_counter_ns()
        if at_ms % 100 == 0:
            gate.played(at_ms + 200, chunk)
        gate.is_echo(frame, at_ms - 20, at_ms)
        samples.append((time.perf_counter_ns() - begun) / 1_000)
    p50 = statistics.median(samples)
    print(f"echo gate: p50 {p50:.2f} us for 20 ms, budget {budget_us} us (p50), n={ROUNDS}")
    return p50 > budget_us


def main() -> int:
    return max([measure(*path) for path in PATHS] + [measure_echo()])


if __name__ == "__main__":
    sys.exit(main())
