"""The sound of a caller's words: recordings of a folder, else a voice's, made before the load."""

from __future__ import annotations

import re
import wave
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from patter import PluginRegistry
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, AudioFormat, Encoding
from patter.client_pool import client_pool
from patter.errors import InputError
from patter.plugins.kinds import TTS_KIND
from patter.providers.context import CallContext

VOICE: Final = "espeak"
QUIET: Final = bytes((*range(0x70, 0x80), *range(0xF0, 0x100)))
"""Codes of mu-law below -48 dB of full scale: what nobody takes for sound."""


def slug(words: str) -> str:
    """The name of the recording of *words*.

    >>> slug("What's your name?")
    'what-s-your-name'
    """
    return "-".join(re.findall(r"[^\W_]+", words.casefold()))


async def sounds_of(
    words: Iterable[str], *, folder: str = "", voice: str = VOICE
) -> dict[str, bytes]:
    """The mu-law audio of each of *words*, without silence around it.

    A WAV of *folder* that is named like the words (`slug`) is taken; the rest *voice* says, a spec
    string. Raises PatterError.
    """
    sounds = {
        each: recording(Path(folder) / f"{slug(each)}.wav") if folder else b"" for each in words
    }
    missing = [each for each, audio in sounds.items() if not audio]
    if missing:
        sounds |= await _synthesised(missing, voice)
    return {each: trimmed(audio) for each, audio in sounds.items()}


def recording(path: Path) -> bytes:
    """The mu-law audio of a WAV with one channel of 16 bits; b"" without one. Raises InputError."""
    if not path.exists():
        return b""
    fix = "one channel, 16 bits, of 8000, 16000 or 24000 Hz"
    try:
        with wave.open(str(path)) as wav:
            shape = wav.getnchannels(), wav.getsampwidth()
            audio, rate_hz = wav.readframes(wav.getnframes()), wav.getframerate()
    except (OSError, EOFError, wave.Error) as exc:
        raise InputError(f"{path} cannot be read: {exc}", fix=fix) from exc
    if shape != (1, 2):
        raise InputError(f"{path} has {shape[0]} channels of {8 * shape[1]} bits", fix=fix)
    return convert(audio, AudioFormat(Encoding.PCM16, rate_hz), MULAW_8K)


def trimmed(audio: bytes) -> bytes:
    """*audio* without the silence at its ends. Raises InputError when nothing is left."""
    if not (sound := audio.strip(QUIET)):
        raise InputError("the words of a caller have no sound", fix="try another --voice")
    return sound


async def _synthesised(words: list[str], spec: str) -> dict[str, bytes]:
    voice = PluginRegistry.from_environment().resolve(TTS_KIND, spec)
    form = MULAW_8K if MULAW_8K in voice.produces else voice.produces[0]
    sounds = {}
    async with client_pool(), voice.open(CallContext(call_id="load"), form) as session:
        for each in words:
            pieces = [piece.audio async for piece in session.say(_once(each))]
            sounds[each] = convert(b"".join(pieces), form, MULAW_8K)
    return sounds


async def _once(text: str) -> AsyncIterator[str]:
    yield text
