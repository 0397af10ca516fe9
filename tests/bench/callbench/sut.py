"""The process that is measured: one core, one kind of server, figures about itself at its end.

Says ``{"port": ...}`` when ready and counts what is there at each line of its input; at the
end of its input it stops and tells what is left, and what callers heard by its record.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import orjson

from callbench.casts import found
from callbench.stand import PHONES, Serving
from patter_load import proc
from patter_load.pipes import lines

KINDS = ("patter", "twilio", *PHONES, "bare")
SETTLE_S = 0.3


def serving(kind: str, api: str, providers: str, client: str) -> Serving:
    """What serves calls, one of `KINDS`; imports nothing of the others."""
    if kind == "bare":
        from callbench.bridge import serving as bare

        return partial(bare, client=found(client))
    if kind in PHONES:
        from callbench.phone import serving as phone

        return partial(phone, api=api, providers=providers, kind=kind)
    if kind == "twilio":
        from callbench.twilio import serving as twilio

        return partial(twilio, api=api)
    from callbench.ours import serving as ours

    return ours


def census() -> dict[str, int]:
    """What there is now."""
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "fds": proc.fds(os.getpid()),
        "rss": proc.rss_bytes(os.getpid()),
    }


def say(body: Mapping[str, Any]) -> None:
    """One line of output."""
    sys.stdout.buffer.write(orjson.dumps(body) + b"\n")
    sys.stdout.buffer.flush()


async def main(kind: str, vendors: str, api: str, providers: str, client: str) -> None:
    before = census()
    async with serving(kind, api, providers, client)(vendors) as stand, _frozen():
        say({"port": stand.port})
        async for _ in lines():
            say(census())
    await asyncio.sleep(SETTLE_S)
    after = census()
    left = {name: after[name] - before[name] for name in ("tasks", "fds")}
    say({**left, "heard": stand.heard})


@asynccontextmanager
async def _frozen() -> AsyncIterator[None]:
    """Both kinds get the collector frozen after start-up, as servers should."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("vendors")
    parser.add_argument("--api", default="", help="where the carrier's API is")
    parser.add_argument("--providers", default="", help="where those of ``phone`` come from")
    parser.add_argument("--client", default="", help="how ``bare`` talks to the vendors")
    parser.add_argument("--core", type=int, required=True, help="stay on it")
    parser.add_argument("--loop", default="asyncio", help="what it runs on")
    parser.add_argument("--profile", default="", help="write cProfile statistics there")
    args = parser.parse_args()
    proc.pin(args.core)
    work = main(args.kind, args.vendors, args.api, args.providers, args.client)
    if args.profile:
        import cProfile

        cProfile.run("asyncio.run(work)", args.profile)
    elif args.loop == "asyncio":
        asyncio.run(work)
    else:
        from patter import event_loop

        os.environ[event_loop.VARIABLE] = args.loop
        event_loop.run(work)
