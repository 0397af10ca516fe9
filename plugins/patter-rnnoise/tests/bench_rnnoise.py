"""What does 20 ms of audio cost? Prints one line; exits 1 over budget."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from patter.audio.formats import PCM16_8K
from patter_rnnoise import RNNoiseFilter

BUDGET_US = 1_500
ROUNDS = 1_000


def main() -> int:
    noise = np.random.default_rng(1).normal(0, 3_000, 160 * ROUNDS).astype("<i2").tobytes()
    session, samples = RNNoiseFilter().start(PCM16_8K), []
    for start in range(0, len(noise), 320):
        frame, begun = noise[start : start + 320], time.perf_counter_ns()
        session.process(frame)
        samples.append((time.perf_counter_ns() - begun) / 1_000)
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    print(
        f"rnnoise: p50 {p50:.1f} us, p99 {p99:.1f} us for 20 ms, budget {BUDGET_US} us (p50), "
        f"n={ROUNDS}"
    )
    return p50 > BUDGET_US


if __name__ == "__main__":
    sys.exit(main())
