"""What ``patter load`` does, step by step: sound, server, a lone call, many calls, the answer."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from patter.cli.amounts import milliseconds
from patter.cli.out import Out
from patter.cli.target import replaced, split
from patter.env import read
from patter.errors import InputError, PatterConfigError
from patter_load import report
from patter_load.account import account
from patter_load.census import HAS_PROC, ServerProcess
from patter_load.child import Child, child
from patter_load.conversation import Script
from patter_load.figures import Figures, Left, Limits
from patter_load.find import Trial, capacity, find
from patter_load.hearing import lasting
from patter_load.plot import plot
from patter_load.run import Run, running
from patter_load.served import Settings
from patter_load.speech import sounds_of
from patter_load.webhook import ACCOUNT_SID, Endpoint, is_loopback

CALLS_MAX = 5_000
PLOT = "patter-load.svg"


@attrs.frozen(kw_only=True)
class Wanted:
    """What the command line asks for, checked. *url* is "" when an agent is to be served."""

    script: Script
    calls: int
    seconds: float
    limits: Limits
    url: str = ""

    @classmethod
    def of(cls, args: argparse.Namespace) -> Wanted:
        """Raises InputError."""
        if not 1 <= args.calls <= CALLS_MAX:
            raise InputError(f"--calls {args.calls} is not possible", fix=f"1 to {CALLS_MAX}")
        url = args.target if args.target.startswith(("http://", "https://")) else ""
        if args.simulate and args.offline:
            raise InputError("offline there is no vendor", fix="leave out --simulate or --offline")
        if url and (args.simulate or replaced(args) or args.phone):
            raise InputError(
                "what serves a URL cannot be changed from here", fix="leave out its flags"
            )
        if not url:
            split(args.target)
        if args.carrier:
            raise InputError("callers bring their own carrier", fix="leave out --carrier")
        return cls(
            script=Script.read(args.script),
            calls=args.calls,
            seconds=milliseconds(args.span) / 1_000,
            limits=Limits(
                overhead_ms=milliseconds(args.max_overhead), clear_ms=milliseconds(args.max_clear)
            ),
            url=url,
        )


async def loaded(args: argparse.Namespace, wanted: Wanted) -> bool:
    """Load it, and print how it went; True when it holds. Raises PatterError."""
    out: Out = args.out
    sounds = await sounds_of(wanted.script.words, folder=args.recordings, voice=args.voice)
    steps = wanted.script.spoken(sounds)
    callers: list[Run] = []

    def changed(call_sid: str, fields: Mapping[str, str]) -> None:
        for run in callers:
            run.crowd.changed(call_sid, fields)

    if wanted.url:
        endpoint = endpoint_of(args, wanted.url)
        local = is_loopback(endpoint.place.hostname or "")
        server = ServerProcess.at(endpoint.port, local=local, pid=args.pid)
        async with running(endpoint, steps, server) as run:
            return await _judged(args, wanted, run)
    if not HAS_PROC:
        raise PatterConfigError("an agent is loaded on Linux", fix="serve it, and load its URL")
    async with (
        account(changed) as api,
        _served(args, wanted, api, sounds) as own,
        running(own.endpoint, steps, own) as run,
    ):
        callers.append(run)
        out.progress(f"serves {args.target} in process {own.process.pid}")
        return await _judged(args, wanted, run, own)


def endpoint_of(args: argparse.Namespace, url: str) -> Endpoint:
    """The endpoint at *url*, which needs a yes unless it is this machine. Raises InputError."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise InputError(f"{url!r} has no host", fix="http://127.0.0.1:8000/webhooks/twilio/voice")
    if not is_loopback(parts.hostname) and not args.out.yes:
        raise InputError(
            f"{parts.hostname} is not this machine", fix="--yes, if it is yours to be loaded"
        )
    return Endpoint(
        url=url,
        public_url=args.public_url or url,
        token=read("TWILIO_AUTH_TOKEN"),
        account_sid=read("TWILIO_ACCOUNT_SID", ACCOUNT_SID),
        number=args.number,
        anywhere=args.out.yes,
    )


@asynccontextmanager
async def _served(
    args: argparse.Namespace, wanted: Wanted, api: str, sounds: Mapping[str, bytes]
) -> AsyncIterator[Child]:
    settings = Settings(
        target=args.target,
        api=api,
        calls=wanted.calls,
        phone=args.phone,
        parts=replaced(args),
        simulate=args.simulate,
        hears=lasting(sounds) if args.simulate else {},
    )
    async with child(settings) as own:
        yield own


async def _judged(
    args: argparse.Namespace, wanted: Wanted, run: Run, own: Child | None = None
) -> bool:
    out: Out = args.out
    out.progress("two calls, to compare with")
    await run.warm_up()
    if args.find:
        return await _find_most(args, wanted, run)
    out.progress(f"{wanted.calls} calls for {wanted.seconds:g} s")
    figures = await run.measured(wanted.calls, wanted.seconds)
    left = await run.left()
    if own is not None:
        await own.stop()
        left = attrs.evolve(left, fds=own.left["fds"], stopped=True)
    faults = [*figures.faults(wanted.limits), *left.faults()]
    text = "\n".join([*report.lines(figures, left), report.verdict(faults)])
    out.answer(text, _value(figures, faults, left))
    return not faults


async def _find_most(args: argparse.Namespace, wanted: Wanted, run: Run) -> bool:
    """Look for the most calls that hold; True when there are any."""
    out: Out = args.out

    async def measured(calls: int) -> Figures:
        out.progress(f"{calls} calls for {wanted.seconds:g} s")
        return await run.measured(calls, wanted.seconds)

    def step(trial: Trial) -> None:
        first = f"{report.lines(trial.run)[0]}  {'holds' if trial.holds else trial.faults[0]}"
        out.event(first, {"event": "step", **_value(trial.run, list(trial.faults))})

    trials = await find(wanted.calls, wanted.limits, measured, step)
    most = capacity(trials)
    path = args.plot or PLOT
    title = urlsplit(wanted.url).netloc or args.target
    await asyncio.to_thread(_write, path, plot(trials, wanted.limits, title))
    beyond = " or more" if trials[0].holds else ""
    text = f"{most} calls{beyond} hold; wrote {path}"
    out.event(text, {"event": "capacity", "calls": most, "more": bool(beyond), "plot": path})
    return most > 0


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc}", fix="--plot FILE") from exc


def _value(figures: Figures, faults: list[str], left: Left | None = None) -> dict[str, Any]:
    value = {**figures.as_dict(), "faults": faults, "holds": not faults}
    return value if left is None else {**value, "left": attrs.asdict(left)}
