"""Makes the clips anew: ``python -m patter_ambience FOLDER``."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

from patter.audio.g711 import pcm16_to_mulaw
from patter_ambience.scenes import SCENES
from patter_ambience.synthesis import RATE_HZ, Line

MULAW = 7
"""The number of mu-law among the formats of WAV."""


def wav(line: Line) -> bytes:
    """*line*, full scale at 1, as a WAV file of mu-law at 8 kHz."""
    body = pcm16_to_mulaw(np.rint(np.clip(line, -1, 1) * 32_767).astype("<i2").tobytes())
    form = struct.pack("<HHIIHHH", MULAW, 1, RATE_HZ, RATE_HZ, 1, 8, 0)
    fact = struct.pack("<I", len(body))
    chunks = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in ((b"fmt ", form), (b"fact", fact), (b"data", body))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def main(arguments: list[str]) -> int:
    """Write every clip into the folder that is named."""
    if len(arguments) != 1:
        print("python -m patter_ambience FOLDER", file=sys.stderr)
        return 2
    for name, scene in SCENES.items():
        (Path(arguments[0]) / f"{name}.wav").write_bytes(wav(scene()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
