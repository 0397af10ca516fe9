"""What simulated recognisers understand: words by how long they last; and doubles set apart.

No double understands speech, but callers only say what is in their script, and no two of their
lines last equally long.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import attrs
import orjson

from patter.audio.formats import MULAW_8K
from patter.audio.level import powers
from patter.errors import PatterTimeoutError
from patter_load.pipes import ended

WORD_MS: Final = 250.0
NEAR_MS: Final = 60.0
"""How much may be lost at the ends of a line, to detectors and conversions."""
START_S, STOP_S = 30.0, 5.0
BLOCK_MS, QUIET = 10, 1e-6
"""What the doubles' listener takes for voice."""


@attrs.frozen
class Hearing:
    """Understands the lines of *lasting*, each with its milliseconds of voice.

    A shorter stretch is the beginning of a line that lasts longer; one without an end yet.
    """

    lasting: Mapping[str, float]

    def __call__(self, voice_ms: float) -> str:
        """What a stretch of *voice_ms* is heard as.

        >>> hearing = Hearing({"good morning": 700.0, "a table for two": 1_200.0})
        >>> hearing(710.0), hearing(300.0), hearing(900.0), hearing(5_000.0)
        ('good morning', 'good', 'a table for', 'a table for two')
        """
        if not self.lasting:
            return ""
        words, ms = min(self.lasting.items(), key=lambda line: abs(line[1] - voice_ms))
        if abs(ms - voice_ms) <= NEAR_MS:
            return words
        longer = [line for line in self.lasting.items() if line[1] > voice_ms]
        if not longer:
            return words
        begun, _ = min(longer, key=lambda line: line[1])
        return " ".join(begun.split()[: max(1, int(voice_ms // WORD_MS))])


def lasting(sounds: Mapping[str, bytes]) -> dict[str, float]:
    """How much voice each of *sounds* has, as a double measures it, in milliseconds."""
    return {
        words: float(BLOCK_MS * sum(each > QUIET for each in powers(audio, MULAW_8K, BLOCK_MS)))
        for words, audio in sounds.items()
    }


def apart(hearing: Hearing) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Runs doubles in processes of their own, so that they cost what is loaded nothing."""

    @asynccontextmanager
    async def run(double: Any) -> AsyncIterator[None]:
        made = type(double)
        name = f"{made.__module__}:{made.__qualname__}"
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        args = ("-m", "patter_load.vendor_process", name)
        process = await asyncio.create_subprocess_exec(sys.executable, *args, **pipes)  # type: ignore[arg-type]
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(orjson.dumps(dict(hearing.lasting)) + b"\n")
            async with asyncio.timeout(START_S):
                double.url = (await process.stdout.readline()).decode().strip()
            if not double.url:
                raise PatterTimeoutError(f"the simulator {name} did not start", fix="see above why")
            yield
        finally:
            await ended(process, STOP_S)

    return run
