"""What the tests share: a call, a voice of a double, what is said and heard, and clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt._session import LMNTSpeechSession
from patter_lmnt.double import LMNTDouble
from patter_testing.talking import CALL

LONG = "one two three four five six seven eight nine ten"


@asynccontextmanager
async def voice(
    double: LMNTDouble, call: CallContext = CALL, audio: AudioFormat = MULAW_8K, **options: Any
) -> AsyncIterator[LMNTSpeechSession]:
    """A session of the voice with *options*, whose vendor is *double*."""
    settings = LMNTTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(call, audio) as session:
        yield session


@asynccontextmanager
async def rest_voice(
    double: LMNTDouble, audio: AudioFormat = MULAW_8K, **options: Any
) -> AsyncIterator[Any]:
    """As `voice`, over HTTP."""
    settings = LMNTRestTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(CALL, audio) as session:
        yield session


def kinds(double: LMNTDouble) -> list[str]:
    """The types of what clients sent."""
    return [body.get("type", "init") for body in double.log]
