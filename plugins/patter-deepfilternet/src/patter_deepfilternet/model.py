"""Which model file is used, and whether it is one: the library ends the process over a bad file."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from patter.errors import PatterConfigError
from patter_deepfilternet.library import FRAME, bundled_model

_FIX = (
    "put the ONNX export of one DeepFilterNet model into it, such as DeepFilterNet3_onnx.tar.gz, "
    "or leave model_base_dir out"
)
_TRIAL = """
import sys
from pathlib import Path
from patter_deepfilternet.library import library
from patter_deepfilternet.network import Network
network = Network(Path(sys.argv[1]))
print(library().df_get_frame_length(network.state))
network.clean(bytes(960))
"""
TRIAL_S = 60.0


def model_file(base_dir: str) -> Path:
    """The one model in *base_dir*, tried out; the bundled one for an empty *base_dir*.

    Raises PatterConfigError when there is none, or several, or it is no model at 48 kHz.
    """
    if not base_dir:
        return bundled_model()
    folder = Path(base_dir).expanduser().resolve()
    archives = sorted(folder.glob("*.tar.gz"))
    if len(archives) != 1:
        count = "no model (*.tar.gz)" if not archives else f"{len(archives)} models"
        raise PatterConfigError(f"model_base_dir {folder} has {count}", fix=_FIX)
    _try_out(archives[0])
    return archives[0]


@cache
def _try_out(path: Path) -> None:
    """Load *path* in a process of its own, which is what a file that is no model ends."""
    command = [sys.executable, "-c", _TRIAL, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise PatterConfigError(
            f"{path} did not load within {TRIAL_S:g} s", fix="try again on a machine less busy"
        ) from late
    if done.returncode:
        raise PatterConfigError(f"{path} is not a model: {_reason(done.stderr)}", fix=_FIX)
    if (frame := int(done.stdout)) != FRAME:
        raise PatterConfigError(
            f"{path} takes {frame} samples at a time, and not the {FRAME} of a model at 48 kHz",
            fix=_FIX,
        )


def _reason(panic: str) -> str:
    """What the library says first, below the place in its own source."""
    lines = [line.strip() for line in panic.splitlines() if line.strip()]
    index = next((at for at, line in enumerate(lines) if "panicked at" in line), -1)
    return " ".join(lines[index + 1 : index + 2]) or "it cannot be loaded"
