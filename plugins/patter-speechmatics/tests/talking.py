"""What the tests share: a call, what is said on it, and clocks."""

from __future__ import annotations

from typing import Any

from patter.audio.formats import MULAW_8K
from patter_speechmatics import SpeechmaticsSTT
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.talking import silence

BEGUN = 3
"""So many messages are sent until a session has begun."""
VOICE = sounded("any words", MULAW_8K)
VOICE_MS = 540


def ears(double: SpeechmaticsDouble, **options: Any) -> SpeechmaticsSTT:
    return double.pointed(SpeechmaticsSTT(api_key="k", **options))


def said_by(double: SpeechmaticsDouble, kind: str) -> list[dict[str, Any]]:
    """What clients said in messages of a *kind*."""
    return [body for body in double.received if body["message"] == kind]


async def steadily(session: Any, ms: float) -> None:
    """Silence, as a telephone sends it."""
    for _ in range(int(ms / 20)):
        await session.send(silence(20))
