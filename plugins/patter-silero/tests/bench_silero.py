"""What does 20 ms of audio cost? Prints one line; exits 1 over budget."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from patter.audio.formats import PCM16_8K
from patter_silero import SileroVAD

BUDGET_US = 1_000
ROUNDS = 3_000


def main() -> int:
    hiss = np.random.default_rng(1).normal(0, 3_000, 160 * ROUNDS).astype("<i2").tobytes()
    session, samples = SileroVAD().start(PCM16_8K), []
    for start in range(0, len(hiss), 320):
        frame, begun = hiss[start : start + 320], time.perf_counter_ns()
        session.feed(frame)
        samples.append((time.perf_counter_ns() - begun) / 1_000)
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    cpu = sum(samples) / ROUNDS / 20
    print(
        f"silero: p50 {p50:.1f} us, p99 {p99:.1f} us for 20 ms, budget {BUDGET_US} us (p99); "
        f"{cpu:.2f} ms a second of audio, n={ROUNDS}"
    )
    return p99 > BUDGET_US


if __name__ == "__main__":
    sys.exit(main())
