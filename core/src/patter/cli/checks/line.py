"""``keys`` of the carrier, ``number``, ``webhook``, ``settings``: our number as it has it.

The line is opened as for a server and looked up; nothing is changed, and no call is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import attrs

from patter.cli.checks.bounded import LIMIT_S, Check
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.subject import Subject
from patter.errors import InputError, ProvisionError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    Carrier,
    CarrierCall,
    CarrierLine,
    Incoming,
    MediaLeg,
    NumberSettings,
    Switchboard,
    Ticket,
)
from patter.providers.health import health_check_of

KEYS, NUMBER, WEBHOOK, SETTINGS = "keys", "number", "webhook", "settings"
OPENING_S = 5.0
"""On top of the usual bound: importing a vendor's library can take seconds on a slow machine."""


def checks(subject: Subject) -> list[Check]:
    """One check, for a carrier with numbers; a softphone has none."""
    phone = subject.phone
    if phone is None or phone.carrier is None or not phone.carrier.can.outbound:
        return []
    carrier, number = phone.carrier, phone.phone_number
    if not number:
        return []

    async def ask() -> list[Finding]:
        return await _look_up(subject, carrier, number)

    who, more = f"{carrier.name} carrier", (NUMBER, WEBHOOK, SETTINGS)
    return [Check(KEYS, ask, who, times=True, more=more, limit_s=OPENING_S + LIMIT_S)]


async def _look_up(subject: Subject, carrier: Carrier, number: str) -> list[Finding]:
    accepted = good(KEYS, f"{carrier.name} accepted")
    async with carrier.open(Closed(subject.address.host)) as line:
        await _tried(subject, carrier, line)
        try:
            settings = await line.look_up(number)
        except ProvisionError as error:
            wrong = bad(NUMBER, subject.worded(error.message), subject.worded(error.fix))
            return [accepted, wrong]
    ours = [of_number(subject, settings), *of_webhook(subject, settings)]
    return [accepted, *ours, *of_advice(subject, settings)]


async def _tried(subject: Subject, carrier: Carrier, line: CarrierLine) -> None:
    """Make the line's health check, if it has one; it may contain the vendor's time."""
    if (checkup := health_check_of(line)) is not None and (
        checked := await checkup.check()
    ) is not None:
        subject.note_time(carrier.name, checked.wall)


def of_number(subject: Subject, settings: NumberSettings) -> Finding:
    """The finding about the number itself: does it take calls?"""
    number = subject.number(settings.number)
    if settings.voice:
        return good(NUMBER, f"{number} is on this account, voice enabled")
    return bad(
        NUMBER, f"{number} is on this account and takes no voice", "pass a number with voice"
    )


def of_webhook(subject: Subject, settings: NumberSettings) -> list[Finding]:
    """The findings about the number's webhook: where it points, and where `serve` sets it."""
    # An address may hold a name and a password before its host.
    host = urlsplit(settings.webhook).netloc.rpartition("@")[2]
    now = host or subject.worded(settings.webhook)
    wanted, serve = subject.address.host, f"patter serve {subject.target}"
    if wanted and now == wanted:
        return [good(WEBHOOK, f"number points to {now}")]
    if wanted or not now:
        where = f"to {now}" if now else "nowhere"
        return [doubtful(WEBHOOK, f"number points {where}", f"{serve} sets it")]
    if subject.address.tunnel is not None:
        return [good(WEBHOOK, f"number points to {now} until {serve} sets it to its tunnel")]
    return []


def of_advice(subject: Subject, settings: NumberSettings) -> list[Finding]:
    """The findings about what else is set at the carrier: calls work without."""
    return [
        doubtful(SETTINGS, subject.worded(each.text), subject.worded(each.fix))
        for each in settings.advice
    ]


@attrs.frozen
class Closed:
    """A switchboard that refuses every call and report."""

    public_host: str

    async def register(self, incoming: Incoming) -> Ticket:  # noqa: ARG002
        _refused()

    async def reissue(self, call: CarrierCall) -> Ticket:  # noqa: ARG002
        _refused()

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:  # noqa: ARG002
        _refused()

    async def report(
        self,
        call: CarrierCall,  # noqa: ARG002
        status: str,  # noqa: ARG002
        outcome: CallOutcome | None,  # noqa: ARG002
    ) -> None:
        _refused()

    async def detected(
        self,
        call: CarrierCall,  # noqa: ARG002
        answerer: Answerer,  # noqa: ARG002
        *,
        beep: bool = False,  # noqa: ARG002
        raw: str = "",  # noqa: ARG002
    ) -> None:
        _refused()

    async def transferred(
        self,
        call: CarrierCall,  # noqa: ARG002
        *,
        taken: bool,  # noqa: ARG002
        status: str = "",  # noqa: ARG002
    ) -> None:
        _refused()

    async def recording(self, call: CarrierCall, url: str) -> None:  # noqa: ARG002
        _refused()


def _refused() -> NoReturn:
    raise InputError("no calls are taken here, settings are looked at", fix="patter serve TARGET")


if TYPE_CHECKING:
    _: type[Switchboard] = Closed
