"""``patter explain``: prints what a call of an agent will do, without calling."""

from __future__ import annotations

import argparse
from typing import Any

import attrs

from patter.call.allow import ANYWHERE
from patter.cli.exits import OK
from patter.cli.explained import NAMED, UNKNOWN, Explained
from patter.cli.loading import loaded
from patter.cli.out import columns
from patter.cli.target import add_arguments
from patter.errors import PatterConfigError, indefinite
from patter.observe.pricing import Bill
from patter.plugins.commands import Command

__all__ = ["COMMAND", "Explained", "explain", "whereto"]

NAMED_MOST = 3
"""How many targets are shown of those an agent names."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print what a call of the target will do."""
    target = loaded(args)
    explained = explain(target.phone, target.thing)
    args.out.answer(as_text(explained, verbose=args.out.verbose), as_value(explained))
    return OK


def explain(phone: Any, agent: Any) -> Explained:
    """The explanation of *agent* on *phone*. Raises AgentError."""
    from patter.agent import Agent

    if not isinstance(agent, Agent):
        raise PatterConfigError(
            f"the target is {indefinite(type(agent).__name__)}, not an agent",
            fix="agent = phone.agent(...), then MODULE:agent",
        )
    return Explained(phone, agent, phone.gathered(agent))


def as_text(explained: Explained, *, verbose: bool = False) -> str:
    """The explanation as text: a few lines for each heading, none over 80 columns."""
    rows = [
        *(("audio", str(edge)) for edge in explained.audio()),
        ("turns", _turns(explained.turns())),
        *(
            ("tools", f"{each['name']} {each['effect']}: {each['means']}")
            for each in explained.tools()
        ),
        ("carrier", _line(explained.line())),
        ("sent to", _leaving(explained.leaves())),
        ("stored", _staying(explained.stays())),
        *(("money", row) for row in _money(explained, verbose)),
    ]
    heads = [head for head, _ in rows]
    first = {head: i for i, head in reversed(list(enumerate(heads)))}
    return "\n".join(
        columns([(head if first[head] == i else "", text) for i, (head, text) in enumerate(rows)])
    )


def as_value(explained: Explained) -> dict[str, Any]:
    """The explanation for ``--json``."""
    money = explained.money()
    return {
        "audio": [attrs.asdict(edge) for edge in explained.audio()],
        "turns": explained.turns(),
        "tools": explained.tools(),
        "carrier": explained.line(),
        "sent_to": explained.leaves(),
        "stored": explained.stays(),
        "money": {
            "usd_per_minute": money.usd,
            "costs": dict(money.costs),
            "unknown": money.unpriced,
        },
    }


def _turns(turns: dict[str, Any]) -> str:
    barge_in = (
        f"barge-in at {turns['barge_in_ms']} ms voice"
        if turns["barge_in_ms"]
        else "no barge-in by voice"
    )
    detector = turns["voice"] or "no voice detector: the recogniser's words only"
    votes = turns["turn_detector"]
    hold = f"; pauses up to {turns['max_hold_ms']} ms ({votes} votes)" if votes else ""
    cursor = "from marks" if turns["cursor"] == "marks" else "estimated"
    position = f"playback position {cursor}, +-{turns['cursor_error_ms']} ms"
    return f"{barge_in} ({detector}){hold}; {position}"


def _line(line: dict[str, Any]) -> str:
    how = ", ".join(line["transfers"])
    transfers = f"transfers {how} {whereto(line)}" if how else "no transfers"
    keys = "DTMF by the carrier" if line["keys"] == "carrier" else "DTMF as tones"
    no = "" if line["machines"] else "no "
    return f"{transfers}; {keys}; {no}answering machine detection"


def whereto(line: dict[str, Any]) -> str:
    """Where calls may be transferred; if there are two lists, both must allow a target."""
    here = line["allowed_here"]
    if line["allowed"] == ANYWHERE:
        return "anywhere" if here is None else _listed(here)
    first = _named(line["named"]) if line["allowed"] == NAMED else _listed(line["allowed"])
    return first if here is None else f"{first} and only {_listed(here)}"


def _named(targets: list[str]) -> str:
    """The rule without a list, and what of it is certain before a call."""
    named = ", ".join([*targets[:NAMED_MOST], *(["..."] if len(targets) > NAMED_MOST else [])])
    return f"only to whom prompt, variables or tools name{': ' if named else ''}{named}"


def _listed(allowed: str | list[str]) -> str:
    if isinstance(allowed, str):
        return f"where {allowed} allows"
    return f"to {', '.join(allowed)}" if allowed else "to nobody"


def _leaving(leaves: dict[str, list[str]]) -> str:
    words = {
        "tools": "arguments of tools",
        "carrier": "audio and numbers",
        "tunnel": "the same through",
    }
    if not leaves["carrier"]:
        words["tunnel"] = "audio and numbers through"
    sentences = [
        f"{words.get(what, what)} {', '.join(hosts)}"
        for what, hosts in leaves.items()
        if hosts and what != UNKNOWN
    ]
    if leaves[UNKNOWN]:
        sentences.append(f"unknown: {', '.join(leaves[UNKNOWN])} (no host named)")
    return "; ".join(sentences) or "nothing: every part is on this machine"


def _staying(stays: dict[str, Any]) -> str:
    where = stays["recording"]
    if not stays["kept"]:
        return f"nothing here; audio with --recording, at {where}" if where else "nothing"
    days = f"{stays['days']} days" if stays["days"] else "for ever"
    recorded = (
        "with --recording, here"
        if where == "here"
        else f"with --recording, at {where}, or --local-recording, here"
    )
    kept = ", ".join(stays["kept"])
    return f"{kept}: {days}, {stays['mode']}; audio only {recorded}; numbers {stays['numbers']}"


def _money(explained: Explained, verbose: bool) -> list[str]:
    """The price of a minute; with *verbose*, its parts."""
    money = explained.money()
    parts = [f"{kind} ${usd:.4f}" for kind, usd in sorted(money.costs.items())]
    if verbose and explained.phone.carrier.can.price:
        parts.append(f"{explained.phone.carrier.name} reports what it charged after each call")
    return [_price(money), *(parts if verbose else ())]


def _price(money: Bill) -> str:
    about = f"about ${sum(money.costs.values()):.2f}/min"
    return f"{about}; unknown: {', '.join(money.unpriced) or 'none'}"


COMMAND = Command(
    name="explain",
    help="show what a call of an agent will do, before there is one",
    configure=configure,
    run=run,
    example="patter explain bistro:agent",
)
