"""What a call of an agent will do, as values, from its parts, its phone and the environment.

Nothing is connected, and no vendor is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from patter.audio.fit import fit
from patter.audio.formats import AudioFormat
from patter.call.allow import ANYWHERE, VARIABLE, operator_allows
from patter.call.named_targets import targets_in
from patter.cli.address import address_of
from patter.env import read
from patter.errors import PatterConfigError
from patter.observe.call_log import CallLog
from patter.observe.pricing import Bill, per_minute
from patter.observe.redact import Redaction, Redactor
from patter.providers.carrier import Carrier
from patter.providers.traits import ProviderTraits

FRAME_MS = 20
_EFFECTS = {
    "read": "may be cancelled, retried, speculated",
    "idempotent": "may be repeated",
    "once": "never cancelled or retried once it runs",
}
NAMED = "named"
"""What an agent without a list allows: the targets that its application names."""
HOSTS = ("audio", "text", "tools", "carrier", "tunnel")
UNKNOWN = "unknown"


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
    """The explanation of an agent on a phone, each heading a method."""

    phone: Any
    agent: Any
    parts: Any

    def audio(self) -> list[Edge]:
        """The paths of audio, the caller's first."""
        parts, names = self.parts, self.parts.names
        line, carrier = self._carrier().formats, self._carrier().name
        hears, speaks = ("stt", "tts") if parts.engine is None else ("engine", "engine")
        edges = [_edge(carrier, line, names[hears][0], parts.ears.accepts)]
        for kind, listener in (("vad", parts.vad), ("turn_detector", parts.turn_detector)):
            if listener is not None:
                edges.append(_edge(carrier, line, names[kind][0], listener.accepts))
        return [*edges, _edge(names[speaks][0], parts.mouth.produces, carrier, line)]

    def turns(self) -> dict[str, Any]:
        """The turn-taking settings, and how exact the playback position is."""
        rules = self.agent.rules_with(self.parts)
        can = self._carrier().can
        return {
            "barge_in_ms": rules.barge_in_threshold_ms,
            "barge_in_mode": rules.barge_in_mode,
            "silence_ms": rules.silence_ms,
            "voice": self._named("vad"),
            "turn_detector": self._named("turn_detector"),
            "max_hold_ms": rules.max_hold_ms,
            "cursor": "marks" if can.marks else "estimate",
            "cursor_error_ms": FRAME_MS if can.marks else can.latency_ms,
        }

    def tools(self) -> list[dict[str, str]]:
        """The tools, and what each one's effect means."""
        return [
            {"name": each.name, "effect": each.effect, "means": _EFFECTS[each.effect]}
            for each in self.agent.tools
        ]

    def line(self) -> dict[str, Any]:
        """What the carrier can do with a call: transfers and to whom, keys, machine detection.

        *named* are the targets in the prompt and the agent's variables; on a call, its own
        variables and the results of tools may name others.

        Raises PatterConfigError when a list of transfer targets cannot be read.
        """
        can = self._carrier().can
        able = {"cold": can.cold_transfer, "sip": can.sip_transfer, "warm": can.warm_transfer}
        operator_allows()
        return {
            "transfers": [how for how, possible in able.items() if possible],
            "allowed": _allowed(self.agent.transfer_allowed),
            "named": _patterns(targets_in(self.agent.words(self.agent.variables))),
            "allowed_here": _patterns(read(VARIABLE).split(",")) if read(VARIABLE) else None,
            "keys": "carrier" if can.dtmf_out else "tones",
            "machines": can.machine_detection,
        }

    def leaves(self) -> dict[str, list[str]]:
        """The hosts that get audio, text, what tools are called with, or audio and numbers.

        The last are *carrier* and *tunnel*.

        As *unknown*, the parts that do not say: one that stays here names no host, ``hosts = ()``.
        Raises PatterError when the tunnel cannot be made.
        """
        by_kind: dict[str, dict[str, None]] = {what: {} for what in (*HOSTS, UNKNOWN)}
        parts = self.parts
        listeners = (*parts.stt_candidates, *parts.engine_candidates)
        providers: dict[str, Sequence[object]] = {
            "audio": (*listeners, parts.turn_detector, parts.audio_filter),
            "text": (parts.llm, *parts.tts_candidates),
            "carrier": (self.phone.carrier,),
            "tunnel": (address_of(self.phone).tunnel,),
        }
        for what, those in providers.items():
            for each in filter(None, those):
                by_kind[what].update(dict.fromkeys(ProviderTraits.of(each).hosts))
                if not hasattr(each, "hosts"):
                    by_kind[UNKNOWN][str(getattr(each, "name", type(each).__name__))] = None
        by_kind["tools"].update(dict.fromkeys(_tool_hosts(self.agent)))
        return {what: list(hosts) for what, hosts in by_kind.items()}

    def stays(self) -> dict[str, Any]:
        """What is kept of a call, where and for how long."""
        log = CallLog.of(self.phone.persist)
        carrier = self._carrier()
        recording = carrier.name if carrier.can.recording else "here"
        if log is None:
            return {"kept": [], "recording": "" if recording == "here" else recording}
        return {
            "recording": recording,
            "kept": ["words", "timing", "cost"],
            "root": str(log.root),
            "days": log.retention_days,
            "mode": "0600",
            "numbers": log.redactor.how.value,
        }

    def money(self) -> Bill:
        """The estimated price of a minute."""
        named = [(kind, *name) for kind, name in self.parts.names.items()]
        if self.phone.carrier is not None and "carrier" not in self.parts.names:
            named.append(("carrier", self.phone.carrier.name, ""))
        return per_minute(named, self.phone.prices)

    def _named(self, kind: str) -> str:
        """The provider of *kind*; empty without one."""
        has_one = getattr(self.parts, kind) is not None
        return str(self.parts.names[kind][0]) if has_one else ""

    def _carrier(self) -> Carrier:
        if self.phone.carrier is None:
            raise PatterConfigError("this phone has no carrier", fix="Patter(carrier=...)")
        line: Carrier = self.parts.negotiate(self.phone.carrier)
        return line


def _tool_hosts(agent: Any) -> Iterator[str]:
    """The hosts of tools that are web services: of *agent*, its skills, those it may become."""
    seen: list[Any] = []
    waiting = [agent]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.append(one)
        waiting += one.handoffs.values()
        consult = () if one.consult is None else (one.consult.tool,)
        skills = (tool for skill in one.skills for tool in skill.tools)
        for tool in (*one.tools, *skills, *consult):
            if host := urlsplit(tool.webhook_url).hostname:
                yield host


def _allowed(value: Any) -> str | list[str]:
    """A function by its name, patterns as they are; a word when there is no list."""
    if callable(value):
        return f"{getattr(value, '__name__', type(value).__name__)}()"
    if value is None:
        return NAMED
    return ANYWHERE if value == ANYWHERE else _patterns(value)


def _patterns(value: Sequence[str]) -> list[str]:
    """The patterns, with whole phone numbers shown as records would have them."""
    redactor = Redactor(Redaction.read(read("PATTER_LOG_REDACT_PHONE")))
    return [redactor.text(each.strip()) for each in value]


def _edge(
    source: str, produced: Sequence[AudioFormat], sink: str, accepted: Sequence[AudioFormat]
) -> Edge:
    path = fit(produced, accepted)
    return Edge(source, sink, str(path.source), tuple(map(str, path.steps)))
