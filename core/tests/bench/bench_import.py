"""What does ``import patter`` cost, alone and among 200 installed plugins? Exits 1 over budget."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from patter import PluginRegistry
from patter.plugins.kinds import VAD_KIND

BUDGET_MS = 30.0
RESOLVE_BUDGET_US = 200.0
PLUGINS = 200
ROUNDS = 15
SCAN = "import patter; patter.PluginRegistry.from_environment({}).catalogue.candidates"


def install(site: Path, count: int) -> None:
    """Write *count* distributions that offer a VAD each."""
    for index in range(count):
        name = f"fake{index}"
        (site / f"{name}.py").write_text(
            "from patter import hookimpl\nPATTER_API = 1\n\n\nclass VAD:\n    accepts = ()\n"
            "    tail_ms = 100\n    def start(self, audio): ...\n\n\n"
            "@hookimpl\ndef patter_vad(spec):\n    return VAD()\n"
        )
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[patter.vad]\n{name} = {name}\n")


def process_ms(code: str, path: str) -> float:
    """One whole interpreter that runs *code*, in milliseconds of wall time."""
    program = f"import sys; sys.path.append({path!r}); {code}"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
    return (time.perf_counter() - began) * 1_000


def medians(programs: dict[str, tuple[str, str]]) -> dict[str, float]:
    """The median time of each program; rounds are interleaved so that noise is shared."""
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for round_ in range(ROUNDS + 1):
        for name, (code, path) in programs.items():
            took = process_ms(code, path)
            if round_:
                samples[name].append(took)
    return {name: statistics.median(took) for name, took in samples.items()}


def resolve_us() -> float:
    """The median time to resolve a spec whose plugin is loaded, in microseconds."""
    registry = PluginRegistry.from_environment({})
    samples = []
    for _ in range(1_000):
        began = time.perf_counter_ns()
        registry.resolve(VAD_KIND, "fake0")
        samples.append((time.perf_counter_ns() - began) / 1_000)
    return statistics.median(samples[100:])


def main() -> int:
    """Print each figure beside its budget."""
    with tempfile.TemporaryDirectory() as crowded, tempfile.TemporaryDirectory() as empty:
        install(Path(crowded), PLUGINS)
        took = medians(
            {
                "bare": ("pass", empty),
                "alone": ("import patter", empty),
                "crowd": ("import patter", crowded),
                "scan": (SCAN, crowded),
            }
        )
        sys.path.append(crowded)
        resolve = resolve_us()
    alone, crowd, scan = (took[name] - took["bare"] for name in ("alone", "crowd", "scan"))
    print(f"import patter       {alone:6.1f} ms over bare python, budget {BUDGET_MS:.0f}")
    print(f"  {PLUGINS} plugins       {crowd:6.1f} ms over bare python, budget {BUDGET_MS:.0f}")
    print(f"  and scanning them {scan:6.1f} ms over bare python (bare: {took['bare']:.1f} ms)")
    print(f"resolve, warm       {resolve:6.1f} us, budget {RESOLVE_BUDGET_US:.0f}, median")
    return int(alone > BUDGET_MS or crowd > BUDGET_MS or resolve > RESOLVE_BUDGET_US)


if __name__ == "__main__":
    sys.exit(main())
