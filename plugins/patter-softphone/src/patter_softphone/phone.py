"""``patter phone``: serve the softphone for an agent, and open its page."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from typing import Any

import attrs

from patter import event_loop
from patter.agent import Agent
from patter.aio import task_scope
from patter.cli import simulate
from patter.cli.exits import OK
from patter.cli.target import FLAGS, flags_of, load
from patter.cli.working import on_terminal
from patter.clock import Clock, LoopClock
from patter.plugins.commands import Command
from patter.plugins.overrides import overriding
from patter.plugins.registry import PluginRegistry
from patter_softphone import _vendors
from patter_softphone._about import About, about

PORT = 8080
LOOK_MS = 50
PROMPT = "You answer the phone. Be brief and friendly."
GREETING = "Hello, what can I do for you?"
CARRIER = "softphone?faults=true"
OFFLINE: Mapping[str, str | None] = {
    "engine": None,
    "turn_detector": None,
    "audio_filter": None,
    "stt": "pocketsphinx/reception",
    "llm": "rules/reception",
    "tts": "espeak",
    "vad": "silero",
}
EXAMPLE = "patter_demo.rosas:agent"
"""Who answers where no agent was named: a restaurant that tells its hours and books tables."""


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
    return {"carrier": CARRIER, "tunnel": None, **offline, **flags_of(args)}


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    serve_phone(args)
    return OK


def serve_phone(args: argparse.Namespace) -> None:
    """Serve the softphone for the agent that *args* describe; returns when stopped."""
    choose(args)
    with ExitStack() as starting:
        starting.enter_context(on_terminal(args.out, f"starting {args.target or 'an agent'}"))
        with simulate.loading(args):
            phone, agent = described(args)
            note = "simulated" if args.simulate else "offline" if args.offline else ""
            page = about(phone, agent, args.target or "", note)
        if args.simulate:
            # A line for each part comes next, which is progress by itself.
            starting.close()
        event_loop.run(_serve(phone, agent, page, args, starting.close))


def choose(args: argparse.Namespace) -> None:
    """Without a target and parts: with the vendors whose keys are here, if asked, else offline."""
    if args.target or args.simulate or flags_of(args):
        return
    vendors = _vendors.ready(PluginRegistry.from_environment())
    if vendors and not args.offline and _agreed(vendors, args.out):
        for kind, names in vendors.items():
            setattr(args, kind, names[0])
    elif has_example():
        args.offline = True
        if vendors:
            args.out.progress(f"  with your keys: {_vendors.command(vendors)}")
    if has_example():
        args.target = EXAMPLE


def has_example() -> bool:
    """Is there an agent for who names none? It comes with the package patter-demo."""
    return find_spec(EXAMPLE.partition(".")[0]) is not None


def described(args: argparse.Namespace) -> tuple[Any, Any]:
    """The phone and the agent of the target, or without one, an agent made of the flags.

    Offline an agent without a greeting has one: who calls a page expects somebody to answer.
    """
    from patter.client import Patter

    parts = parts_of(args)
    if not args.target:
        with overriding(parts):
            phone = Patter(carrier=CARRIER)
            return phone, phone.agent(PROMPT, first_message=GREETING)
    target = load(args.target, Patter, parts, args.phone)
    agent = target.thing
    if args.offline and isinstance(agent, Agent) and not agent.first_message:
        agent = attrs.evolve(agent, first_message=GREETING)
    return target.phone, agent


def hears_thinks_speaks(parts: Mapping[str, str]) -> str:
    """The parts of an agent in a few words: ``pocketsphinx, rules, espeak``."""
    return ", ".join(parts.values())


def _agreed(vendors: Mapping[str, list[str]], out: Any) -> bool:
    """Does whoever typed this want the vendors? Nobody is asked where nobody can answer."""
    summary = "  ".join(f"{kind}: {', '.join(names)}" for kind, names in vendors.items())
    out.progress(f"keys found for  {summary}")
    if not (out.yes or (sys.stdin.isatty() and sys.stderr.isatty())):
        return False
    first = ", ".join(names[0] for names in vendors.values())
    return bool(out.confirm(f"talk with {first}, which charge for it? No: offline"))


async def _serve(
    phone: Any, agent: Any, page: About, args: argparse.Namespace, started: Callable[[], None]
) -> None:
    carrier = phone.carrier
    async with simulate.simulating(phone, agent, args) as simulation, task_scope() as tasks:
        phone.carrier = attrs.evolve(carrier, about=page)
        if simulation:
            agent = simulation.agent
            if simulation.listens:
                phone.carrier = attrs.evolve(phone.carrier, typed=simulation.hear)
        greeter = tasks.create_task(_greet(page, args, started), name="phone-greet")
        try:
            await phone.serve(agent, port=args.port)
        finally:
            greeter.cancel()
            phone.carrier = carrier


async def _greet(page: About, args: argparse.Namespace, started: Callable[[], None]) -> None:
    """Once the page is there, say where, and open it; *started* is called before."""
    url = f"http://127.0.0.1:{args.port}"
    faults = await _page_faults(url, LoopClock())
    started()
    line = f"network simulation {'on' if faults else 'off'}"
    summary = f"  {url}   Ctrl-C ends\n  {hears_thinks_speaks(page.parts)}; {line}"
    args.out.answer(summary, {"url": url, "faults": faults})
    if not args.no_open:
        import webbrowser

        await asyncio.to_thread(webbrowser.open, url)


async def _page_faults(url: str, clock: Clock) -> bool:
    """Wait until a call is taken; say whether its line may be made bad."""
    from aiohttp import ClientConnectionError, ClientSession

    async with ClientSession() as client:
        while True:
            # The page is there before a call is taken: extensions may still be starting.
            with suppress(ClientConnectionError):
                async with client.get(f"{url}/ready") as ready:
                    taken = ready.ok
                if taken:
                    async with client.get(f"{url}/webhooks/softphone/hello") as answer:
                        return bool((await answer.json())["faults"])
            await clock.sleep(LOOK_MS)


COMMAND = Command(
    name="phone",
    help="talk to an agent from a page in your browser",
    configure=configure,
    run=run,
    example="patter phone bistro:agent --offline",
)
