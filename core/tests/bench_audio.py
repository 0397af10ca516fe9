"""What do 20 ms of audio cost, converted or asked for an echo? Exits 1 over budget."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

from patter.audio.agc import GainControl
from patter.audio.convert import converter
from patter.audio.echo import EchoGate
from patter.audio.echo_canceller import EchoCanceller
from patter.audio.fit import chain
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
)
from patter.audio.high_pass import HighPass
from patter.audio.sound_file import Sound
from patter.call.playout.ambience import Ambience

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


def measure_stage(name: str, work: Callable[[bytes], object], budget_us: float) -> bool:
    """What is done to 20 ms of a voice at 8 kHz, or to 20 ms on its way out."""
    rng, samples = random.Random(1), []
    frames = [rng.randbytes(320) for _ in range(50)]
    for at in range(ROUNDS):
        frame = frames[at % len(frames)]
        begun = time.perf_counter_ns()
        work(frame)
        samples.append((time.perf_counter_ns() - begun) / 1_000)
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    print(f"{name}: p50 {p50:.2f} us, p99 {p99:.2f} us for 20 ms, budget {budget_us} us (p50)")
    return p50 > budget_us


def measure_stages(budget_us: float = 300) -> bool:
    """Each of what may be done to a caller's audio, and a sound behind the agent's."""
    canceller, sound = EchoCanceller(PCM16_8K), Sound(random.Random(2).randbytes(32_000), 16_000)
    behind = Ambience(sound, MULAW_8K, 0.1, loop=True)

    def cancel(frame: bytes) -> None:
        canceller.far_end(frame)
        canceller.process(frame)

    stages: dict[str, Callable[[bytes], object]] = {
        "high pass": HighPass(PCM16_8K, 80).process,
        "echo canceller": cancel,
        "gain": GainControl(PCM16_8K).process,
        "a sound behind words": lambda frame: behind.behind(frame[:160]),
        "a sound alone": lambda _: behind.alone(160),
    }
    return max([measure_stage(name, work, budget_us) for name, work in stages.items()])


def main() -> int:
    return max([measure(*path) for path in PATHS] + [measure_echo(), measure_stages()])


if __name__ == "__main__":
    sys.exit(main())
