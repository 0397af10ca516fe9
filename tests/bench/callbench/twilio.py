"""Patter with its Twilio carrier: signed webhooks, TwiML, media sockets with tokens.

Of every clear the process notes what its record says the caller had heard by then; whoever
plays the audio knows what was true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callbench import ours
from callbench.stand import Stand
from patter.call.session import CallSession
from patter.observe.events import CallEvent, Row, Wire
from patter.server.app import Server
from patter_twilio import Twilio
from patter_twilio.double import TwilioDouble

ACCOUNT = TwilioDouble()


class HeardNotes:
    """Listens to one call: milliseconds heard between clears, by the rows of its record."""

    def __init__(self, cuts: list[int]) -> None:
        self._cuts = cuts
        self._heard_ms = 0

    def __call__(self, event: CallEvent) -> None:
        if isinstance(event, Row) and event.role == "agent":
            self._heard_ms += event.heard_ms or 0
        elif isinstance(event, Wire) and event.what == "clear":
            self._cuts.append(self._heard_ms)
            self._heard_ms = 0


@asynccontextmanager
async def serving(vendors: str, api: str) -> AsyncIterator[Stand]:
    """Serve calls of the Twilio account whose API is at *api*."""
    heard: defaultdict[str, list[int]] = defaultdict(list)

    def told(session: CallSession) -> None:
        notes = HeardNotes(heard[session.call.carrier_call_id])
        session.events.subscribe(notes, Row, Wire)

    carrier = Twilio(account_sid=ACCOUNT.account_sid, auth_token=ACCOUNT.auth_token, api_base=api)
    settings = Server(port=0, limits=ours.LIMITS, public_host=ACCOUNT.public_host)
    async with ours.served(vendors, carrier, settings, told) as port:
        yield Stand(port, heard)
