"""``patter phone``: serve the softphone for an agent, and open its page."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import attrs

from patter import event_loop
from patter.aio import task_scope
from patter.cli import simulate
from patter.cli.exits import OK
from patter.cli.target import FLAGS, load, replaced
from patter.clock import Clock, LoopClock
from patter.plugins.commands import Command
from patter.plugins.overrides import overriding

PORT = 8080
LOOK_MS = 50
PROMPT = "You answer the phone. Be brief and friendly."
GREETING = "Hello, what can I do for you?"
CARRIER = "softphone?faults=true"
OFFLINE = {"stt": "pocketsphinx", "llm": "rules", "tts": "espeak", "vad": "silero"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="the agent, as module:name")
    parser.add_argument("--phone", metavar="NAME", help="which Patter of the module")
    parser.add_argument("--port", type=int, default=PORT, help="default: 8080")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    parser.add_argument("--offline", action="store_true", help="no keys, no network")
    simulate.add_arguments(parser)
    for kind in FLAGS:
        parser.add_argument(f"--{kind}", metavar="SPEC", help=f"use this {kind} instead")


def parts_of(args: argparse.Namespace) -> dict[str, object]:
    """What replaces the parts of the agent: always its line, with ``--offline`` everything."""
    offline = OFFLINE if args.offline else {}
    return {"carrier": CARRIER, "tunnel": None, **offline, **replaced(args)}


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    serve_phone(args)
    return OK


def serve_phone(args: argparse.Namespace) -> None:
    """Serve the softphone for the agent that *args* describe; returns when stopped."""
    with simulate.loading(args):
        phone, agent = _described(args)
    event_loop.run(_serve(phone, agent, args))


def hears_thinks_speaks(agent: object) -> str:
    """The parts of *agent* in a few words: ``pocketsphinx, rules, espeak``."""
    parts = [getattr(agent, kind, None) for kind in ("stt", "llm", "tts")]
    return ", ".join(_name(part) for part in parts if part is not None)


def _described(args: argparse.Namespace) -> tuple[Any, Any]:
    """The phone and the agent of the target, or without one, an agent made of the flags."""
    from patter.client import Patter

    parts = parts_of(args)
    if args.target:
        target = load(args.target, Patter, parts, args.phone)
        return target.phone, target.thing
    with overriding(parts):
        phone = Patter(carrier=CARRIER)
        return phone, phone.agent(PROMPT, first_message=GREETING)


async def _serve(phone: Any, agent: Any, args: argparse.Namespace) -> None:
    carrier = phone.carrier
    async with simulate.simulating(phone, agent, args) as simulation, task_scope() as tasks:
        if simulation:
            agent = simulation.agent
            if simulation.listens:
                phone.carrier = attrs.evolve(carrier, typed=simulation.hear)
        greeter = tasks.create_task(_greet(agent, args), name="phone-greet")
        try:
            await phone.serve(agent, port=args.port)
        finally:
            greeter.cancel()
            phone.carrier = carrier


async def _greet(agent: Any, args: argparse.Namespace) -> None:
    """Once the page is there, say where, and open it."""
    url = f"http://127.0.0.1:{args.port}"
    faults = await _page_faults(url, LoopClock())
    line = f"faults {'on' if faults else 'off'}"
    summary = f"{hears_thinks_speaks(agent)}; {line}; Ctrl-C ends"
    args.out.answer(f"  {url}   {summary}", {"url": url, "faults": faults})
    if not args.no_open:
        import webbrowser

        await asyncio.to_thread(webbrowser.open, url)


async def _page_faults(url: str, clock: Clock) -> bool:
    """Wait until the page is served; say whether its line may be made bad."""
    from aiohttp import ClientConnectionError, ClientSession

    async with ClientSession() as client:
        while True:
            try:
                async with client.get(f"{url}/webhooks/softphone/hello") as answer:
                    return bool((await answer.json())["faults"])
            except ClientConnectionError:
                await clock.sleep(LOOK_MS)


def _name(part: object) -> str:
    if isinstance(part, list | tuple):
        return _name(part[0])
    return part if isinstance(part, str) else str(getattr(part, "name", type(part).__name__))


COMMAND = Command(
    name="phone",
    help="talk to an agent from a page in your browser",
    configure=configure,
    run=run,
    example="patter phone bistro:agent --offline",
)
