"""Outbound calls: their arguments, checked, and how they are dialled.

A call's agent, phrases and callback are bound to its id before it is dialled and removed when it
is over; no call sees another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs

from patter.agent import Agent
from patter.errors import InputError, PatterConfigError, PatterTimeoutError, PatterTypeError
from patter.phone import arguments as checked
from patter.phone.pending_calls import PendingCall
from patter.phone.results import CallResult, OnMachine
from patter.phone.serving import ServeContext
from patter.providers.carrier import Carrier, CarrierLine, DialRequest, Ticket
from patter.providers.context import Direction
from patter.server.calls import CallRequest
from patter.server.switchboard import LocalSwitchboard
from patter.text.variables import clean_all

# 25 s are about five rings; within 5 s many phones have not begun to; carriers allow 600 s.
RING_S, SHORTEST_S, LONGEST_S = 25, 5, 600
TALK_S = 1_800
"""How long `call(wait=True)` waits, ringing not counted; the call itself may last longer."""


@attrs.frozen(kw_only=True)
class OutboundCall:
    """One call to be placed. *agent* None is the one that is served.

    *overrides* are fields of the agent that this call replaces: greeting, voicemail message.
    """

    to: str
    from_number: str
    agent: Agent | None = None
    overrides: Mapping[str, str] = attrs.field(factory=dict)
    ring_timeout_s: int = RING_S
    machine_detection: bool = False
    on_machine: OnMachine | None = None
    variables: Mapping[str, str] = attrs.field(factory=dict)


def outbound_call(
    carrier: Carrier,
    *,
    to: Any,
    from_number: Any,
    agent: Any,
    first_message: Any,
    voicemail_message: Any,
    ring_timeout: Any,
    machine_detection: Any,
    on_machine: Any,
    variables: Any,
) -> OutboundCall:
    """The call on *carrier* that these arguments describe.

    A voicemail message and a callback need to know who answers, so they ask for detection.
    Raises InputError for what is not a number or not a time, PatterTypeError for the wrong type,
    PatterConfigError for what *carrier* cannot do.
    """
    _check_outbound(carrier)
    overrides = {
        "first_message": checked.text("first_message", first_message),
        "voicemail_message": checked.text("voicemail_message", voicemail_message),
    }
    callback = checked.function("on_machine", on_machine)
    detects = checked.flag("machine_detection", machine_detection)
    detects = detects or bool(voicemail_message) or callback is not None
    if detects and not carrier.can.machine_detection:
        raise PatterConfigError(
            f"{carrier.name} cannot tell who answers",
            fix="call without machine_detection, on_machine and voicemail_message",
        )
    return OutboundCall(
        to=checked.number("to", to),
        from_number=checked.number("from_number", from_number),
        agent=None if agent is None else checked.agent("call", agent),
        overrides={name: text for name, text in overrides.items() if text},
        ring_timeout_s=_ring_seconds(ring_timeout),
        machine_detection=detects,
        on_machine=callback,
        variables=clean_all(checked.mapping("variables", variables)),
    )


def one_of(
    on_machine: OnMachine | None, on_machine_detection: OnMachine | None
) -> OnMachine | None:
    """The callback under either of its two names. Raises PatterConfigError when both are passed."""
    if on_machine is not None and on_machine_detection is not None:
        raise PatterConfigError(
            "on_machine and on_machine_detection are the same", fix="remove one of them"
        )
    return on_machine if on_machine_detection is None else on_machine_detection


@attrs.frozen(kw_only=True)
class Dialler:
    """Places calls on *line* while a server runs."""

    context: ServeContext
    switchboard: LocalSwitchboard
    line: CarrierLine

    async def place(self, outbound: OutboundCall, *, wait: bool = False) -> CallResult | None:
        """Dial; with *wait*, return when the call is over.

        Raises AgentError, RateLimitError, PatterTimeoutError, PatterConnectionError when
        serving stops meanwhile, and what the carrier raises.
        """
        outbound = attrs.evolve(outbound, machine_detection=self._detects(outbound))
        if outbound.agent is not None:
            await self.context.mcp_tools.connect(outbound.agent)
        over = asyncio.get_running_loop().create_future() if wait else None
        pending = PendingCall(
            pair=self.context.resolve(outbound.agent, outbound.overrides),
            on_machine=outbound.on_machine,
            over=over,
        )

        async def dial(ticket: Ticket) -> str:
            # Before the dial: its media or its status may come before its answer.
            self.context.pending_calls.expect(ticket.call_id, pending)
            try:
                pending.carrier_call_id = await self.line.dial(_request(outbound, ticket))
            finally:
                pending.answered.set()
            return pending.carrier_call_id

        try:
            entry = await self.switchboard.place(
                self._call_request(outbound, pending), dial, outbound.ring_timeout_s * 1_000
            )
        except BaseException:
            # Nobody awaits the future any more: resolved later, it would be logged as lost.
            pending.over = None
            raise
        if over is None:
            return None
        return await _waited(over, entry.call_id, outbound.ring_timeout_s + TALK_S)

    def _call_request(self, outbound: OutboundCall, pending: PendingCall) -> CallRequest:
        return CallRequest(
            carrier=self.line.name,
            account=self.line.account,
            direction=Direction.OUTBOUND,
            caller=outbound.from_number,
            callee=outbound.to,
            agent=pending.pair.agent.name,
            variables=outbound.variables,
        )

    def _detects(self, outbound: OutboundCall) -> bool:
        """Is the carrier to detect who answers? An agent with a voicemail message wants it, too."""
        agent = self.context.agent if outbound.agent is None else outbound.agent
        return outbound.machine_detection or (
            bool(agent.voicemail_message) and self.line.can.machine_detection
        )


def _check_outbound(carrier: Carrier) -> None:
    if not carrier.can.outbound:
        raise PatterConfigError(
            f"{carrier.name} cannot place calls",
            fix="give the phone a carrier that can; see: patter plugins carrier",
        )


def _request(outbound: OutboundCall, ticket: Ticket) -> DialRequest:
    return DialRequest(
        call_id=ticket.call_id,
        to=outbound.to,
        from_number=outbound.from_number,
        ticket=ticket,
        ring_timeout_s=outbound.ring_timeout_s,
        machine_detection=outbound.machine_detection,
    )


async def _waited(over: asyncio.Future[CallResult], call_id: str, within_s: float) -> CallResult:
    bound = asyncio.timeout(within_s)
    try:
        async with bound:
            return await over
    except TimeoutError as exc:
        if not bound.expired():
            raise
        raise PatterTimeoutError(
            f"call {call_id} was not over after {within_s:g} s; it goes on",
            fix="give the agent a shorter max_call_ms, or call without wait",
        ) from exc


def _ring_seconds(value: Any) -> int:
    if value is None:
        return RING_S
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PatterTypeError(f"ring_timeout={value!r} is not a number", fix="write whole seconds")
    if not SHORTEST_S <= value <= LONGEST_S:
        raise InputError(
            f"ring_timeout={value!r} is out of range",
            fix=f"give {SHORTEST_S} to {LONGEST_S} seconds",
        )
    return round(value)
