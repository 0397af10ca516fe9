"""A real number, as the first page has it: the commands, a caller who speaks, real words.

Twilio is its double, everything else is what a user would run.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from itertools import takewhile
from pathlib import Path

import attrs
import pytest

from patter.observe.call_log import read_record
from patter.observe.codec import event_fields
from patter.observe.events import CallEvent, Row, Started
from patter.providers.carrier import Answerer, CallOutcome
from patter_softphone.caller import read_wav
from patter_testing import Caller
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_twilio.double import TwilioAccountDouble, TwilioDouble

from .processes import LIMIT_S, first_page, free_port, loud, patter, running

HOST = "phone.example.com"
OURS = "+15550001234"
THEIRS = "+15550107788"
PARTS = ("--stt", "pocketsphinx", "--llm", "rules", "--tts", "espeak?rate_wpm=300")
QUESTION = Path(str(files("patter_demo"))) / "speech" / "hours.wav"

pytestmark = pytest.mark.patter_timeout(90)


@attrs.frozen
class Bistro:
    """The agent of the first page in *folder*, and the telephone company of its number."""

    folder: Path
    vendor: TwilioAccountDouble
    port: int

    def command(self, verb: str, *words: str) -> list[str]:
        """``patter VERB bistro:agent ...`` with parts that need no key."""
        carrier = f"twilio?api_base={self.vendor.runtime.url}"
        way = ("--webhook-url", HOST, "--port", str(self.port))
        return patter(verb, "bistro:agent", *words, "--carrier", carrier, *PARTS, *way, "--json")

    @property
    def environment(self) -> dict[str, str]:
        """The account's keys, and where records go."""
        settings = self.vendor.settings
        return {
            "TWILIO_ACCOUNT_SID": settings.account_sid,
            "TWILIO_AUTH_TOKEN": settings.auth_token,
            "PATTER_LOG_DIR": str(self.folder / "log"),
        }

    def record(self) -> list[CallEvent]:
        """The record of the only call."""
        (found,) = (self.folder / "log").rglob("call.jsonl")
        return read_record(found)


@asynccontextmanager
async def bistro(folder: Path) -> AsyncIterator[Bistro]:
    (folder / "bistro.py").write_text(first_page(), encoding="utf-8")
    async with TwilioDouble(numbers=(OURS,), public_host=HOST).open() as vendor:
        port = free_port()
        vendor.reaches(f"http://127.0.0.1:{port}")
        yield Bistro(folder, vendor, port)


async def heard(call: DoubleCall, samples: int) -> None:
    """Wait, silently, until so many samples of voice were played to the caller."""
    async with asyncio.timeout(LIMIT_S):
        while loud(call.leg.heard()) < samples and not call.leg.closed:
            await Caller(call.leg).waits(20)


async def test_a_number_is_served_and_a_caller_is_understood_and_answered(tmp_path: Path) -> None:
    async with bistro(tmp_path) as at:
        served = at.command("serve", "--no-dashboard")
        async with running(tmp_path, served, **at.environment) as process:
            assert await process.told("url") == f"https://{HOST}"
            (number,) = at.vendor.numbers.values()
            assert number.voice_url == f"https://{HOST}/webhooks/twilio/voice"
            call = at.vendor.rings(caller=THEIRS)
            await call.up()
            await Caller(call.leg).sounds(read_wav(QUESTION))
            await heard(call, 4_000)
            await call.hangs_up()
            assert await process.told("outcome") == "completed"
            process.send(signal.SIGTERM)
            assert await process.ended() == 0, process.err
        record = at.record()
        started = record[0]
        assert isinstance(started, Started)
        assert started.carrier_call_id == call.call_id
        rows = [event_fields(each) for each in record if isinstance(each, Row)]
    # A busy machine may hear a pause in the question: then it is two rows.
    question = [row["text"] for row in takewhile(lambda row: row["role"] == "caller", rows)]
    assert " ".join(question).startswith("what are your opening")
    assert rows[len(question)]["role"] == "agent"
    assert rows[len(question)]["heard_ms"] > 500


@pytest.mark.parametrize(
    ("ends", "status"),
    [(CallOutcome.ANSWERED, 0), (CallOutcome.BUSY, 1), (CallOutcome.NO_ANSWER, 1)],
)
async def test_a_call_is_placed_and_its_exit_status_says_how_it_went(
    tmp_path: Path, ends: CallOutcome, status: int
) -> None:
    async with bistro(tmp_path) as at:
        words = at.command("call", THEIRS, "--say", "Hello Ada.", "--yes")
        async with running(tmp_path, words, **at.environment) as process:
            call = await at.vendor.dialled()
            assert (call.caller, call.callee) == (OURS, THEIRS)
            if ends is CallOutcome.ANSWERED:
                await call.answers(Answerer.HUMAN)
                await call.up()
                await heard(call, 2_000)
                await call.hangs_up()
            else:
                await call.refuses(ends)
            assert await process.ended() == status, process.err
        assert call.where is CallerLocation.ENDED
        assert ends in "".join(process.out)
