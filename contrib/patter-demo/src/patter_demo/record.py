"""The caller's lines, and how their recordings are remade: ``python -m patter_demo.record``.

Needs the program flite (Debian package ``flite``) and nothing else; the recordings in the
package were made by exactly this.
"""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from patter.audio.resample import resample
from patter.errors import PatterConfigError

LINES: Mapping[str, str] = MappingProxyType(
    {
        "hours": "what are your opening hours",
        "book": "book a table for two",
        "yes": "yes please",
        "no": "no thank you",
        "goodbye": "goodbye",
    }
)
"""What the caller says, by the name of its recording."""

RATE_HZ = 8_000
_VOICE = "rms"
_LIMIT_S = 30


def recording(name: str) -> bytes:
    """PCM16 at 8 kHz, mono, of the line *name*; KeyError if there is no such line."""
    LINES[name]
    return pcm_of(files("patter_demo").joinpath("speech", f"{name}.wav").read_bytes())[0]


def pcm_of(wav: bytes) -> tuple[bytes, int]:
    """The samples of a mono 16-bit WAV, and their rate."""
    with wave.open(io.BytesIO(wav)) as source:
        return source.readframes(source.getnframes()), source.getframerate()


def speak(text: str, flite: str = "flite") -> bytes:
    """Let flite say *text*; PCM16 at 8 kHz. Raises PatterConfigError without flite."""
    command = [flite, "-voice", _VOICE, "-t", text, "-o", "/dev/stdout"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_LIMIT_S)
    except (OSError, subprocess.SubprocessError) as exc:
        raise PatterConfigError(f"flite did not speak: {exc}", fix="apt install flite") from exc
    pcm, rate_hz = pcm_of(done.stdout)
    return resample(pcm, rate_hz, RATE_HZ)


def write_wav(path: Path, pcm: bytes) -> None:
    """Save PCM16 mono at 8 kHz."""
    with wave.open(str(path), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(RATE_HZ)
        sink.writeframes(pcm)


def main() -> int:
    folder = Path(__file__).with_name("speech")
    folder.mkdir(exist_ok=True)
    for name, text in LINES.items():
        pcm = speak(text)
        write_wav(folder / f"{name}.wav", pcm)
        print(f"{name}.wav  {len(pcm) / 2 / RATE_HZ:.2f} s  {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
