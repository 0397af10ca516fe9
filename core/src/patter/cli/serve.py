"""``patter serve``: lets an agent take calls, and prints who calls and how it went."""

from __future__ import annotations

import argparse
import asyncio
import math
from typing import TYPE_CHECKING, Any

from patter import __version__, event_loop
from patter.aio import task_scope
from patter.cli import entrance, simulate
from patter.cli.board import Board
from patter.cli.exits import NO, OK
from patter.cli.explain import Explained, explain, whereto
from patter.cli.loading import loaded
from patter.cli.out import columns
from patter.cli.target import add_arguments, replaced
from patter.cli.working import on_terminal
from patter.errors import InputError
from patter.observe.log_root import log_root
from patter.observe.root_secret import redactor_for
from patter.plugins.commands import Command

if TYPE_CHECKING:
    from patter.client import Patter
    from patter.phone.public_endpoint import Address

COUNT_S = 10.0
"""How often a drain says what it still waits for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    entrance.add_arguments(parser)
    simulate.add_arguments(parser)
    _add_recording(parser)
    parser.add_argument(
        "--max-calls",
        type=int,
        default=200,
        metavar="N",
        help="calls at the same time; default: 200",
    )
    parser.add_argument(
        "--trusted-proxies",
        default="",
        metavar="NETS",
        help="whose X-Forwarded-For counts, such as 10.0.0.0/8,::1; default: "
        "PATTER_TRUSTED_PROXIES",
    )
    parser.add_argument(
        "--drain",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds that open calls get when it is to stop; default: 30",
    )
    parser.add_argument("--no-dashboard", action="store_true", help="without its pages")
    parser.add_argument(
        "--log-format",
        choices=("json",),
        default="",
        help="log each event of a call and each record as a line of JSON; default: "
        "PATTER_LOG_FORMAT",
    )
    parser.add_argument("--check", action="store_true", help="check everything, serve nothing")


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recording", action="store_true", help="record each call, at the carrier if it can"
    )
    parser.add_argument("--local-recording", action="store_true", help="keep a WAV of each call")
    asks = "record nothing before the caller has agreed; the greeting asks"
    parser.add_argument("--consent", default="", choices=("ask",), help=asks)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; 1 when calls had to be cut."""
    if args.max_calls < 1:
        raise InputError(f"--max-calls {args.max_calls} would take no call", fix="give 1 or more")
    if args.check and not args.simulate:
        return _checked(args)
    with simulate.loading(args):
        target = loaded(args)
        phone = target.phone
        entrance.enter_by(phone, args)
        explained = explain(phone, target.thing)
    refuse_short_drain(target.thing, args.drain)
    args.out.progress(heading(args.target, explained))
    if args.check:
        args.out.answer("ok", {"ok": True})
        return OK
    return OK if event_loop.run(_served(phone, target.thing, args)) else NO


def _checked(args: argparse.Namespace) -> int:
    """Find what would keep it from serving, as ``patter doctor`` does; NO when something would."""
    from patter.cli import doctor
    from patter.cli.checks.subject import of_target

    with on_terminal(args.out, f"loading {args.target}"):
        subject = of_target(
            args.target, replaced(args), args.phone, lambda phone: entrance.enter_by(phone, args)
        )
    if subject.agent is not None:
        refuse_short_drain(subject.agent, args.drain)
    if subject.parts is not None:
        args.out.progress(heading(args.target, explain(subject.phone, subject.agent)))
    return doctor.concluded(subject, doctor.NAMES, args.out)


def refuse_short_drain(agent: Any, drain_s: float) -> None:
    """Raise InputError for a drain in which *agent* could not say goodbye; 0 is without one."""
    from patter.phone.options import goodbye_ms

    needs_s = math.ceil(goodbye_ms(agent) / 1_000)
    if 0 < drain_s < needs_s or drain_s < 0 or not math.isfinite(drain_s):
        raise InputError(
            f"--drain {drain_s:g} is too short: the goodbye alone takes {needs_s} s",
            fix=f"--drain {max(needs_s, 30)}, or --drain 0 to end calls without one",
        )


def heading(target: str, explained: Explained) -> str:
    """The first lines: the agent, its parts and their audio formats."""
    names, edges = explained.parts.names, explained.audio()
    phone, tools = explained.phone, explained.agent.tools
    rows = [
        ("stt", _label(names["stt"]), str(edges[0])),
        ("llm", _label(names["llm"]) if "llm" in names else "-", _tools(tools)),
        ("tts", _label(names["tts"]), str(edges[-1])),
    ]
    line = " ".join(filter(None, (phone.carrier.name, _number(phone))))
    first = f"patter {__version__}  {target}  {line}"
    return "\n".join([first, *columns(rows, "  "), *_transfers(explained)])


def _transfers(explained: Explained) -> list[str]:
    """Where callers may be transferred, if the carrier can."""
    able = explained.phone.carrier.can.transfers
    return columns([("transfers", whereto(explained.line()))], "  ") if able else []


async def _served(phone: Any, agent: Any, args: argparse.Namespace) -> bool:
    board = Board(args.out, redactor=redactor_for(log_root(phone.persist)))
    async with simulate.simulating(phone, agent, args) as simulation, task_scope() as tasks:
        agent = simulation.agent if simulation else agent
        watchers = [
            tasks.create_task(_greet(phone, board), name="serve-greet"),
            tasks.create_task(_drained(phone, board, args.drain), name="serve-drain"),
        ]
        try:
            clean: bool = await phone.serve(
                agent,
                port=args.port,
                recording=args.recording,
                local_recording=args.local_recording,
                consent=args.consent,
                on_call_start=board.began,
                on_call_end=board.ended,
                max_calls=args.max_calls,
                trusted_proxies=args.trusted_proxies,
                drain_s=args.drain,
                listeners=(board,),
                dashboard=not args.no_dashboard,
            )
        finally:
            for task in watchers:
                task.cancel()
    return clean


async def _drained(phone: Patter, board: Board, drain_s: float) -> None:
    """Once it is to stop, say what is waited for, and how long still."""
    await phone.draining()
    board.draining(drain_s)
    left_s = drain_s - COUNT_S
    while left_s > 0 and board.open_calls:
        await asyncio.sleep(COUNT_S)
        board.waiting(left_s)
        left_s -= COUNT_S


async def _greet(phone: Patter, board: Board) -> None:
    """Print the address once the phone is ready."""
    began = asyncio.get_running_loop().time()
    url = await asyncio.shield(phone.ready)
    took = asyncio.get_running_loop().time() - began
    if (address := phone.address) is None:
        return
    number = _number(phone)
    how = f"call {number}" if number else "call it"
    text = f"ready in {took:.1f} s: {how}. Ctrl-C drains, twice stops. {board.zone()}"
    webhook = address.problem is None if address.number else None
    value = {"event": "ready", "url": url, "local": address.local_url, "webhook_set": webhook}
    board.out.event("\n".join([*where(address), text]), value)


def where(address: Address) -> list[str]:
    """The public address and what was done about it, and this machine's."""
    notes = []
    if address.number:
        notes.append("webhook set" if address.problem is None else "webhook not set")
    if address.checked:
        notes.append("reached from outside")
    rows = [("local", address.local_url, "/health /ready")]
    if address.host:
        rows.insert(0, ("public", address.url, ", ".join(notes)))
    return columns(rows, "  ")


def _number(phone: Any) -> str:
    """The number to call; a line without numbers has none, whatever the module says."""
    number: str = phone.phone_number if phone.carrier.can.outbound else ""
    return number


def _label(name: tuple[str, str]) -> str:
    return "/".join(filter(None, name))


def _tools(tools: tuple[Any, ...]) -> str:
    if not tools:
        return "no tools"
    named = ", ".join(f"{each.name} ({each.effect})" for each in tools)
    return f"{len(tools)} tool{'s'[: len(tools) != 1]}: {named}"


COMMAND = Command(
    name="serve",
    help="let an agent take calls on its phone",
    configure=configure,
    run=run,
    example="patter serve bistro:agent --port 8000",
)
