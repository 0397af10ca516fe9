"""A vendor's double in a process of its own: ``python -m patter_load.vendor_process module:Class``.

Reads what it hears from the first line of its input, prints where it is, and serves until its
input ends. It always takes as long as the vendor does in the middle: what varies is then not its.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any

import orjson

from patter_load.hearing import Hearing


async def main(name: str, hearing: Hearing) -> None:
    """Serve the double *name*."""
    module, _, kind = name.partition(":")
    double: Any = getattr(import_module(module), kind)(otherwise=hearing)
    double.latency.p95_ms = double.latency.p50_ms
    async with double.running():
        print(double.url, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Hearing(orjson.loads(sys.stdin.buffer.readline()))))
