"""The process that is loaded: an agent, served as ``patter serve`` does, that can be counted.

``python -m patter_load.served`` reads one JSON object, the settings, from its input, and prints one
when it takes calls. It counts what there is at each further line; at the end of its input it stops,
and tells what is left.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from importlib import import_module
from typing import IO, Any, Final

import attrs
import orjson

from patter import Patter, event_loop
from patter.aio import task_scope
from patter.cli.target import load
from patter.errors import PatterError
from patter_load import proc
from patter_load.hearing import Hearing, apart
from patter_load.pipes import lines

PUBLIC_HOST: Final = "phone.example.com"
SETTLE_S: Final = 0.3
MORE_CALLS: Final = 10
"""Places for calls that begin before the last ones are quite over."""


@attrs.frozen(kw_only=True)
class Settings:
    """*target* is ``module:name``, *parts* replace its own; *api* is where its carrier's API is.

    *hears*: the words that a simulated recogniser knows by how long they last, in milliseconds.
    """

    target: str
    api: str
    calls: int
    phone: str | None = None
    parts: Mapping[str, object] = attrs.field(factory=dict)
    simulate: bool = False
    hears: Mapping[str, float] = attrs.field(factory=dict)

    def described(self) -> tuple[Patter, Any]:
        """The phone, on an account of ours, and the agent. Raises PatterError."""
        parts = {
            **self.parts,
            "carrier": f"twilio?api_base={self.api}",
        }
        kit: Any = import_module("patter_testing.simulation")
        with kit.without_keys() if self.simulate else nullcontext():
            target = load(self.target, Patter, parts, self.phone)
        target.phone.webhook_url, target.phone.tunnel = PUBLIC_HOST, None
        return target.phone, target.thing


async def serve(settings: Settings, say: Any) -> None:
    """Serve until the input ends."""
    phone, agent = settings.described()
    before = _counted()
    async with AsyncExitStack() as running:
        if settings.simulate:
            kit: Any = import_module("patter_testing.simulation")
            hearing = Hearing(settings.hears)
            simulation = await running.enter_async_context(
                kit.simulating(phone, agent, otherwise=hearing, run=apart(hearing))
            )
            agent = simulation.agent
        async with _taking_calls(phone, agent, settings.calls + MORE_CALLS) as port:
            say({"port": port, "host": PUBLIC_HOST, **_counted()})
            async for _ in lines():
                say(_counted())
    await asyncio.sleep(SETTLE_S)
    after = _counted()
    say({name: after[name] - before[name] for name in ("tasks", "fds")})


@asynccontextmanager
async def _taking_calls(phone: Patter, agent: Any, most: int) -> AsyncIterator[int]:
    """Serve while inside; the port."""
    async with task_scope() as tasks:
        serving = phone.serve(
            agent,
            port=0,
            set_webhook=False,
            max_calls=most,
            drain_s=0.0,
            # The public host is a name that leads nowhere: this machine alone reaches the pages.
            allow_insecure_dashboard=True,
        )
        tasks.create_task(serving, name="load-serve")
        await phone.ready
        assert phone.address is not None
        try:
            yield int(phone.address.local_url.rpartition(":")[2])
        finally:
            await phone.disconnect()


def _counted() -> dict[str, Any]:
    gc.collect()
    names = sorted(task.get_name() for task in asyncio.all_tasks())
    return {"tasks": len(names), "names": names, "fds": _descriptors()}


def _descriptors() -> int:
    """Open files, but for those of nothing: uvloop keeps one once it has begun a process."""
    return sum(link != os.devnull for link in proc.links(os.getpid()))


def main() -> None:
    """Serve as the first line of the input says."""
    settings = Settings(**orjson.loads(sys.stdin.buffer.readline()))
    # What the agent's module prints is no answer of ours.
    answers: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def say(body: Mapping[str, Any]) -> None:
        answers.write(orjson.dumps(body) + b"\n")

    try:
        event_loop.run(serve(settings, say))
    except (PatterError, BaseExceptionGroup) as error:
        if (first := _first(error)) is None:
            raise
        body = {"code": first.code, "message": first.message, "fix": first.fix}
        say({"error": body})


def _first(error: BaseException) -> PatterError | None:
    """The error of ours in *error*: a phone that fails to start says so in two tasks."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_first, error.exceptions)), None)
    return error if isinstance(error, PatterError) else None


if __name__ == "__main__":
    main()
