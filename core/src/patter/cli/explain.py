"""``patter explain``: what a call of an agent will do, told before there is one.

Nothing is connected, bought or asked of anybody: all of it stands in the agent, its parts
and the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import attrs

from patter.audio.fit import fit
from patter.audio.formats import AudioFormat
from patter.cli.exits import OK
from patter.cli.out import columns
from patter.cli.target import add_arguments, load, replaced
from patter.errors import PatterConfigError
from patter.observe.call_log import CallLog
from patter.observe.pricing import Bill, per_minute
from patter.plugins.commands import Command

FRAME_MS = 20
_EFFECTS = {
    "read": "may be cancelled, retried, speculated",
    "idempotent": "may be repeated",
    "once": "never cancelled or retried once it runs",
}
_GOES = {"stt": "audio", "audio_filter": "audio", "llm": "text", "tts": "text"}


@attrs.frozen
class Edge:
    """Audio that goes from one part to another, and how it is converted on its way."""

    source: str
    sink: str
    format: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.steps)
        how = f" ({', '.join(self.steps)})" if count else ""
        return f"{self.source} {self.format} -> {self.sink} {count} step{'s'[: count != 1]}{how}"


@attrs.frozen
class Explained:
    """Everything that is told, as values."""

    phone: Any
    agent: Any
    parts: Any

    def audio(self) -> list[Edge]:
        """The paths of audio, the caller's first."""
        parts, names = self.parts, self.parts.names
        line, carrier = self._line()
        edges = [_edge(carrier, line, names["stt"][0], parts.stt.accepts)]
        if parts.vad is not None:
            edges.append(_edge(carrier, line, names["vad"][0], parts.vad.accepts))
        return [*edges, _edge(names["tts"][0], parts.tts.produces, carrier, line)]

    def turns(self) -> dict[str, Any]:
        """How turns are taken, and how exactly it is known what was heard."""
        rules = self.agent.rules(
            vad_tail_ms=None if self.parts.vad is None else self.parts.vad.tail_ms
        )
        can = self.phone.carrier.can if self.phone.carrier is not None else None
        marks = can is None or can.marks
        return {
            "barge_in_ms": rules.barge_in_threshold_ms,
            "barge_in_mode": rules.barge_in_mode,
            "silence_ms": rules.silence_ms,
            "voice": self.parts.names["vad"][0] if self.parts.vad is not None else "",
            "cursor": "marks" if marks else "estimate",
            "cursor_error_ms": FRAME_MS if can is None or marks else can.latency_ms,
        }

    def tools(self) -> list[dict[str, str]]:
        """The tools and what running each may mean."""
        return [
            {"name": each.name, "effect": each.effect, "means": _EFFECTS[each.effect]}
            for each in self.agent.tools
        ]

    def leaves(self) -> dict[str, list[str]]:
        """The hosts that get audio and those that get text."""
        found: dict[str, dict[str, None]] = {"audio": {}, "text": {}}
        for kind, what in _GOES.items():
            for host in getattr(getattr(self.parts, kind), "hosts", ()):
                found[what][host] = None
        return {what: list(hosts) for what, hosts in found.items()}

    def stays(self) -> dict[str, Any]:
        """What is kept of a call, where and for how long."""
        log = CallLog.of(self.phone.persist)
        if log is None:
            return {"kept": []}
        return {
            "kept": ["words", "timing", "cost"],
            "root": str(log.root),
            "days": log.retention_days,
            "mode": "0600",
            "numbers": log.redaction.value,
        }

    def money(self) -> Bill:
        """What a minute costs about."""
        named = [(kind, *name) for kind, name in self.parts.names.items()]
        if self.phone.carrier is not None and "carrier" not in self.parts.names:
            named.append(("carrier", self.phone.carrier.name, ""))
        return per_minute(named, self.phone.prices)

    def _line(self) -> tuple[tuple[AudioFormat, ...], str]:
        if self.phone.carrier is None:
            raise PatterConfigError("this phone has no carrier", fix="Patter(carrier=...)")
        return self.phone.carrier.formats, self.phone.carrier.name


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Tell what a call of the target will do."""
    from patter.client import Patter

    found = load(args.target, Patter, replaced(args), args.phone)
    explained = explain(found.phone, found.thing)
    args.out.answer(as_text(explained), as_value(explained))
    return OK


def explain(phone: Any, agent: Any) -> Explained:
    """What there is to tell of *agent* on *phone*. Raises AgentError."""
    from patter.agent import Agent

    if not isinstance(agent, Agent):
        raise PatterConfigError(
            f"the target is a {type(agent).__name__}, not an agent",
            fix="agent = phone.agent(...), then MODULE:agent",
        )
    return Explained(phone, agent, phone.gathered(agent))


def as_text(told: Explained) -> str:
    """For people: a line or a few for each heading, none over 80 columns."""
    turns, money = told.turns(), told.money()
    heard = (
        f"barge-in after {turns['barge_in_ms']} ms voice"
        if turns["barge_in_ms"]
        else "no barge-in by voice"
    )
    detector = turns["voice"] or "no voice detector: the recogniser's words only"
    cursor = "from marks" if turns["cursor"] == "marks" else "estimated"
    rows = [
        *(("audio", str(edge)) for edge in told.audio()),
        ("turns", f"{heard} ({detector}); heard cursor {cursor}, +-{turns['cursor_error_ms']} ms"),
        *(("tools", f"{each['name']} {each['effect']}: {each['means']}") for each in told.tools()),
        ("leaves", _leaving(told.leaves())),
        ("stays", _staying(told.stays())),
        ("money", _price(money)),
    ]
    heads = [head for head, _ in rows]
    first = {head: i for i, head in reversed(list(enumerate(heads)))}
    return "\n".join(
        columns([(head if first[head] == i else "", text) for i, (head, text) in enumerate(rows)])
    )


def as_value(told: Explained) -> dict[str, Any]:
    """For programs."""
    money = told.money()
    return {
        "audio": [attrs.asdict(edge) for edge in told.audio()],
        "turns": told.turns(),
        "tools": told.tools(),
        "leaves": told.leaves(),
        "stays": told.stays(),
        "money": {
            "usd_per_minute": money.usd,
            "costs": dict(money.costs),
            "unknown": money.unpriced,
        },
    }


def _edge(
    source: str, produced: Sequence[AudioFormat], sink: str, accepted: Sequence[AudioFormat]
) -> Edge:
    found = fit(produced, accepted)
    return Edge(source, sink, str(found.source), tuple(map(str, found.steps)))


def _leaving(leaves: dict[str, list[str]]) -> str:
    told = [f"{what} {', '.join(hosts)}" for what, hosts in leaves.items() if hosts]
    return "; ".join(told) or "nothing: no part names a host it talks to"


def _staying(stays: dict[str, Any]) -> str:
    if not stays["kept"]:
        return "nothing"
    days = f"{stays['days']} days" if stays["days"] else "for ever"
    kept = ", ".join(stays["kept"])
    return f"{kept}: {days}, {stays['mode']}; audio only if recorded; numbers {stays['numbers']}"


def _price(money: Bill) -> str:
    known = f"about ${sum(money.costs.values()):.2f}/min"
    return f"{known}; unknown: {', '.join(money.unpriced) or 'none'}"


COMMAND = Command(
    name="explain",
    help="tell what a call of an agent will do, before there is one",
    configure=configure,
    run=run,
    example="patter explain bistro:agent",
)
