"""What the tests share: a call, a voice of the double, and what was said and heard."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.tts import Speech, SpokenWord
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.talking import CALL

LONG = "one two three four five six seven eight nine ten"
sounded(LONG, MULAW_8K)  # the first voice of a process takes its time


def voice(
    double: RimeDouble, audio: AudioFormat = MULAW_8K, call: CallContext = CALL, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """A session of the voice with *options*, whose vendor is *double*."""
    return double.pointed(RimeTTS(api_key="k", **options)).open(call, audio)


def rest(
    double: RimeDouble, audio: AudioFormat = MULAW_8K, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """The same over HTTP."""
    return double.pointed(RimeRestTTS(api_key="k", **options)).open(CALL, audio)


def words_of(pieces: list[Speech]) -> list[SpokenWord]:
    return [word for piece in pieces for word in piece.words]


def operations(double: RimeDouble) -> list[str]:
    """What clients sent, in short: a text, or the name of an operation."""
    return [str(each.get("operation") or each.get("text")) for each in double.messages]
