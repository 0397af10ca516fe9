"""``patter serve``: lets an agent take calls, and prints who calls and how it went."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from patter import __version__, event_loop
from patter.aio import task_scope
from patter.cli import entrance, simulate
from patter.cli.exits import NO, OK
from patter.cli.explain import Explained, explain, whereto
from patter.cli.out import Out, columns
from patter.cli.target import add_arguments, load, replaced
from patter.clock import Clock, LoopClock
from patter.observe.log_root import log_root
from patter.observe.redact import Redactor
from patter.observe.root_secret import redactor_for
from patter.plugins.commands import Command
from patter.safe_text import one_line

if TYPE_CHECKING:
    from patter.client import Patter
    from patter.observe.call_metrics import CallMetrics
    from patter.phone.public_endpoint import Address

ID_CHARS = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    entrance.add_arguments(parser)
    simulate.add_arguments(parser)
    parser.add_argument(
        "--recording", action="store_true", help="record each call, at the carrier if it can"
    )
    parser.add_argument("--local-recording", action="store_true", help="keep a WAV of each call")
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
        "--drain", type=float, default=30.0, metavar="S", help="seconds; default: 30"
    )
    parser.add_argument("--no-dashboard", action="store_true", help="without its pages")
    parser.add_argument("--check", action="store_true", help="check everything, serve nothing")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; 1 when calls had to be cut."""
    from patter.client import Patter

    with simulate.loading(args):
        target = load(args.target, Patter, replaced(args), args.phone)
        phone = target.phone
        entrance.enter_by(phone, args)
        explained = explain(phone, target.thing)
    args.out.progress(heading(args.target, explained))
    if args.check:
        args.out.answer("ok", {"ok": True})
        return OK
    return OK if event_loop.run(_served(phone, target.thing, args)) else NO


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


@attrs.define(eq=False)
class Board:
    """Prints a line for each call that begins and ends."""

    out: Out
    clock: Clock = attrs.field(factory=LoopClock)
    redactor: Redactor = attrs.field(factory=Redactor)

    async def began(self, data: dict[str, Any]) -> None:
        """A call came in, or was answered."""
        way = "in " if data["direction"] == "inbound" else "out"
        other = data["caller"] if data["direction"] == "inbound" else data["callee"]
        who = one_line(self.redactor.number(other))
        text = f"{self._head(data)} {way} {who}".rstrip()
        self.out.event(text, {"event": "began", "call": data["call_id"], "number": who})

    async def ended(self, data: dict[str, Any]) -> None:
        """A call is over."""
        summary = summary_of(data["metrics"])
        text = f"{self._head(data)} end {figures(data['outcome'], data['duration'], summary)}"
        self.out.event(text, {"event": "ended", "call": data["call_id"], **summary})

    def _head(self, data: dict[str, Any]) -> str:
        now = datetime.fromtimestamp(self.clock.wall(), UTC)
        return f"{now:%H:%M:%S} {data['call_id'][-ID_CHARS:]}"


def summary_of(metrics: CallMetrics | None) -> dict[str, Any]:
    """The figures of a call that a line has; none without *metrics*."""
    if metrics is None:
        return {}
    return {
        "outcome": metrics.outcome,
        "reason": metrics.reason,
        "duration_ms": round(metrics.duration_seconds * 1_000),
        "turns": metrics.turn_count,
        "gap_p50_ms": metrics.gap_p50_ms,
        "gap_p95_ms": metrics.gap_p95_ms,
        "heard_ms": metrics.heard_ms,
        "unheard_ms": metrics.unheard_ms,
        "cost_usd": metrics.cost.total,
        "costs": metrics.cost.to_dict(),
    }


def figures(outcome: str, duration_s: float, summary: dict[str, Any]) -> str:
    """How a call went: ``completed 51 s  6 turns  latency p50 780 p95 1120  $0.021``."""
    turns = summary.get("turns", 0)
    parts = [f"{outcome} {duration_s:.0f} s", f"{turns} turn{'s'[: turns != 1]}"]
    if summary.get("gap_p50_ms") is not None:
        low, high = summary["gap_p50_ms"], summary["gap_p95_ms"]
        parts.append(f"latency p50 {low} p95 {high}")
    usd = summary.get("cost_usd")
    parts.append("cost unknown" if usd is None else f"${usd:.3f}")
    return "  ".join(parts)


async def _served(phone: Any, agent: Any, args: argparse.Namespace) -> bool:
    board = Board(args.out, redactor=redactor_for(log_root(phone.persist)))
    async with simulate.simulating(phone, agent, args) as simulation, task_scope() as tasks:
        agent = simulation.agent if simulation else agent
        greeter = tasks.create_task(_greet(phone, args.out), name="serve-greet")
        try:
            clean: bool = await phone.serve(
                agent,
                port=args.port,
                recording=args.recording,
                local_recording=args.local_recording,
                on_call_start=board.began,
                on_call_end=board.ended,
                max_calls=args.max_calls,
                trusted_proxies=args.trusted_proxies,
                drain_s=args.drain,
                dashboard=not args.no_dashboard,
            )
        finally:
            greeter.cancel()
    return clean


async def _greet(phone: Patter, out: Out) -> None:
    """Print the address once the phone is ready."""
    began = asyncio.get_running_loop().time()
    url = await asyncio.shield(phone.ready)
    took = asyncio.get_running_loop().time() - began
    if (address := phone.address) is None:
        return
    number = _number(phone)
    how = f"call {number}" if number else "call it"
    text = f"ready in {took:.1f} s: {how}. Ctrl-C drains, twice stops."
    webhook = address.problem is None if address.number else None
    value = {"event": "ready", "url": url, "local": address.local_url, "webhook_set": webhook}
    out.event("\n".join([*where(address), text]), value)


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
