"""libespeak-ng through ctypes: one text in, its samples and word positions out.

The library has one voice for the whole process, so everything happens under one lock and
sets the voice again if another one was used. Synchronous; run it in a thread. Declarations
follow ``speak_lib.h`` of espeak-ng 1.52.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import espeakng_loader  # type: ignore[import-untyped]

from patter.errors import PatterConfigError, ProviderError

RATE_HZ = 22_050
_SYNCHRONOUS = 2
_BUFFER_MS = 60
_FLAGS = 0x0001 | 0x1000
_RATE, _VOLUME, _PITCH = 1, 2, 3
_LIST_END, _WORD = 0, 1


@attrs.frozen
class Voice:
    """How it sounds: espeak's name of a voice, words a minute, pitch and volume 0 to 100."""

    name: str
    rate_wpm: int
    pitch: int
    volume: int


@attrs.frozen
class WordStart:
    """A word of the text, by character, begins at *ms* of the audio."""

    index: int
    ms: int


@attrs.frozen
class Synthesis:
    """PCM16 at `RATE_HZ`, and where the words begin in it."""

    pcm: bytes = attrs.field(repr=False)
    words: tuple[WordStart, ...]


class _Id(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library of this process, loaded once; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._voice: Voice | None = None
        self._pcm = bytearray()
        self._words: list[WordStart] = []
        self._unwanted: Callable[[], bool] = _never
        self._library = _load()
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: Voice, unwanted: Callable[[], bool]) -> Synthesis:
        """Synthesise *text*; stop early, with what there is, once *unwanted* is true.

        Raises PatterConfigError for an unknown voice, ProviderError if espeak fails.
        """
        with self._lock:
            self._use(voice)
            self._pcm, self._words, self._unwanted = bytearray(), [], unwanted
            encoded = text.replace("\0", " ").encode("utf-8", "replace")
            status = self._library.espeak_Synth(
                encoded, len(encoded) + 1, 0, 1, 0, _FLAGS, None, None
            )
            if status:
                raise ProviderError(
                    f"espeak could not speak (status {status})", fix="try the sentence alone"
                )
            return Synthesis(bytes(self._pcm), tuple(self._words))

    def check(self, voice: Voice) -> None:
        """Raises PatterConfigError if espeak has no such voice."""
        with self._lock:
            self._use(voice)

    def _use(self, voice: Voice) -> None:
        if voice == self._voice:
            return
        self._voice = None
        if self._library.espeak_SetVoiceByName(voice.name.encode("utf-8", "replace")):
            raise PatterConfigError(
                f"espeak has no voice {voice.name!r}", fix="use for example 'en-us' or 'de'"
            )
        for parameter, value in (
            (_RATE, voice.rate_wpm),
            (_PITCH, voice.pitch),
            (_VOLUME, voice.volume),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._voice = voice

    def _take(self, samples: Any, count: int, events: Any) -> int:
        """The library's callback, in the thread that synthesises; 1 stops it."""
        for event in iter(events):
            if event.type == _LIST_END:
                break
            if event.type == _WORD:
                self._words.append(WordStart(event.text_position - 1, event.audio_position))
        if count > 0:
            self._pcm += ctypes.string_at(samples, count * 2)
        return int(self._unwanted())


@cache
def espeak() -> Espeak:
    """The one library of this process."""
    return Espeak()


def _never() -> bool:
    return False


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        rate_hz = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, 0)
    except OSError as exc:
        raise PatterConfigError(
            f"libespeak-ng cannot be loaded: {exc}",
            fix="pip install --force-reinstall espeakng-loader",
        ) from exc
    if rate_hz != RATE_HZ:
        raise PatterConfigError(
            f"libespeak-ng did not start: it answered {rate_hz}",
            fix="pip install --force-reinstall espeakng-loader",
        )
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.POINTER(ctypes.c_uint),
        ctypes.c_void_p,
    ]
    return library
