"""The double of a vendor in a process of its own: ``python -m callbench.double_process deepgram``.

Prints where it is, and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import entry_points
from typing import Any

from patter_load.pipes import lines
from patter_testing.doubles.scripted_model import Answer, ScriptedModel

REPLY = " ".join(f"word{place}" for place in range(100))
HEARD = "what are your opening hours on a Sunday in the winter"


def named(name: str) -> Any:
    """The double of *name*, which hears `HEARD` and answers `REPLY`."""
    (found,) = entry_points(group="patter.double", name=name)
    model = ScriptedModel(otherwise=lambda rows, tools: Answer(REPLY))
    return found.load()(otherwise=lambda voice_ms: HEARD, model=model)


async def main() -> None:
    async with named(sys.argv[1]).running() as double:
        print(double.url, flush=True)
        async for _ in lines():
            continue


if __name__ == "__main__":
    asyncio.run(main())
