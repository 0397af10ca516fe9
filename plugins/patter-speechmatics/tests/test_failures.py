"""What goes wrong, by the hand of a Speechmatics of our own."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K
from patter.providers.stt import TurnEnded
from patter_speechmatics.double import SpeechmaticsDouble
from patter_speechmatics.double.session import RealtimeSession
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.talking import CALL, failure, until

from .talking import BEGUN, VOICE, ears

# --- what goes wrong


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1000), ErrorCode.CONNECTION),
        (VendorFaults(close_code=1008), ErrorCode.CONNECTION),
        (VendorFaults(close_code=4006), ErrorCode.AUTH),
        (VendorFaults(over=True), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[1]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage=b"\x00"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"message": "AddTranscript"}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(oversize=5 << 20), ErrorCode.CONNECTION),
        (
            VendorFaults(garbage='{"message": "Error", "type": "job_error", "reason": "no"}'),
            ErrorCode.CONNECTION,
        ),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: ErrorCode) -> None:
    async with (
        SpeechmaticsDouble(faults=attrs.evolve(faults, after=BEGUN)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), TurnEnded))
        assert error.code is code
        assert (await failure(session.finalize())) is error
        assert (await failure(session.send(VOICE))) is error


async def test_an_error_that_repeats_the_key_does_not_tell_it() -> None:
    error = '{"message": "Error", "type": "not_allowed", "reason": "double-key may not"}'
    async with (
        SpeechmaticsDouble(faults=VendorFaults(garbage=error, after=BEGUN)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        raised = await failure(until(aiter(session), TurnEnded))
    assert raised.code is ErrorCode.AUTH and "double-key" not in str(raised)


@pytest.mark.parametrize(
    ("refuses", "code"),
    [
        (("not_authorised", "Not Authorized: double-key"), ErrorCode.AUTH),
        (("insufficient_funds", "no credit"), ErrorCode.AUTH),
        (("invalid_model", "not for you"), ErrorCode.CONFIG),
        (("job_error", "no capacity"), ErrorCode.CONNECTION),
        (("timelimit_exceeded", "480 hours"), ErrorCode.AUTH),
    ],
)
async def test_a_session_that_is_refused_says_why(
    refuses: tuple[str, str], code: ErrorCode
) -> None:
    async with SpeechmaticsDouble(refuses=refuses).running() as double:
        error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert error.code is code and "double-key" not in str(error)


async def test_a_hang_up_that_repeats_the_key_does_not_tell_it() -> None:
    class Gossip(SpeechmaticsDouble):
        async def _run(self, session: RealtimeSession) -> None:
            await session.socket.close(code=4001, message=f"no {self.key}".encode())

    async with Gossip().running() as double:
        error = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert error.code is ErrorCode.AUTH and "double-key" not in str(error)


async def test_one_session_too_many_says_when_to_come_back() -> None:
    async with SpeechmaticsDouble(quota=1).running() as double:
        async with ears(double).open(CALL, MULAW_8K):
            error: Any = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
            assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 5_000)
        async with ears(double).open(CALL, MULAW_8K):
            pass


async def test_a_limit_of_the_address_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with SpeechmaticsDouble(faults=faults).running() as double:
        error: Any = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 2_000)
