"""Every attack beside an honest call, as figures.

``python -m tests.doors.run [SECONDS [NAME ...]]``
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.doors.attacks import ATTACKS
from tests.doors.watch import target, watched

SECONDS = 10.0


async def main(seconds: float, names: list[str]) -> None:
    for name in names or list(ATTACKS):
        with tempfile.TemporaryDirectory() as folder:
            few = name == "idle_connections"
            detector = "silero" if name == "audio_flood" else "none"
            async with target(Path(folder), detector, few_files=few) as server:
                print(await watched(server, name, seconds), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else SECONDS, sys.argv[2:]))
