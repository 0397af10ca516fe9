"""What does 20 ms of audio cost, the loop and the thread? Prints one line; exits 1 over budget."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from patter.audio.formats import PCM16_8K
from patter_deepfilternet import DeepFilterNetFilter

BUDGET_US = 1_000
"""Of the loop."""
ROUNDS = 250


def main() -> int:
    noise = np.random.default_rng(1).normal(0, 3_000, 160 * ROUNDS).astype("<i2").tobytes()
    session, samples = DeepFilterNetFilter().start(PCM16_8K), []
    # The network for the next call is made meanwhile, which is not what is asked here.
    time.sleep(2)
    begun_all = time.process_time()
    for start in range(0, len(noise), 320):
        begun = time.perf_counter_ns()
        session.process(noise[start : start + 320])
        samples.append((time.perf_counter_ns() - begun) / 1_000)
        time.sleep(0.02)
    all_us = (time.process_time() - begun_all) * 1e6 / ROUNDS
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    print(
        f"deepfilternet: p50 {p50:.1f} us, p99 {p99:.1f} us of the loop for 20 ms, "
        f"{all_us:.0f} us of a processor, budget {BUDGET_US} us (p50), n={ROUNDS}"
    )
    return p50 > BUDGET_US


if __name__ == "__main__":
    sys.exit(main())
