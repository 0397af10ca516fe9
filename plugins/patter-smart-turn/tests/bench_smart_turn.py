"""What do the features of 8 s of audio cost? Prints one line; exits 1 over budget."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from patter_smart_turn._mel import SAMPLES, last_window, log_mel

BUDGET_MS = 150
ROUNDS = 100


def main() -> int:
    hiss = np.random.default_rng(1).normal(0, 3_000, SAMPLES).astype("<i2").tobytes()
    log_mel(last_window(hiss))
    samples = []
    for _ in range(ROUNDS):
        begun = time.perf_counter_ns()
        log_mel(last_window(hiss))
        samples.append((time.perf_counter_ns() - begun) / 1_000_000)
    p50, p95 = statistics.median(samples), statistics.quantiles(samples, n=20)[18]
    print(
        f"smart-turn features: p50 {p50:.1f} ms, p95 {p95:.1f} ms for 8 s, "
        f"budget {BUDGET_MS} ms (p50), n={ROUNDS}"
    )
    return p50 > BUDGET_MS


if __name__ == "__main__":
    sys.exit(main())
