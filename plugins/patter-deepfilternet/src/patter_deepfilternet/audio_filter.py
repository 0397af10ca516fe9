"""Takes noise out of a caller's audio with DeepFilterNet, in a thread beside the call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs.validators import gt, le, optional

from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterTimeoutError
from patter_deepfilternet.model import model_file
from patter_deepfilternet.network import PCM16_48K, Spares, Stream, spares

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter

LATE_MS = 1_500
"""A call whose network is so far behind goes on without it."""

AHEAD_MS = 1_000
"""No caller talks so much faster than time passes: virtual time does, and can wait."""

WAIT_S = 10.0
"""The longest that it waits."""


def _text(path: str | Path | None) -> str:
    return str(path or "")


@attrs.frozen(kw_only=True)
class DeepFilterNetFilter:
    """Which model, and how much softer it may make noise. Immutable: share it between calls.

    *model_base_dir* is a folder with the ONNX export of one model (``*.tar.gz``); empty is
    DeepFilterNet3, which comes with it. *atten_lim_db*, above 0 up to 100 dB, is the most by
    which anything gets softer; None is no limit. Making one loads the model. Raises NotInstalled
    without the library, PatterConfigError for a folder without a model that works.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_8K, PCM16_16K, PCM16_24K, PCM16_48K)

    model_base_dir: str = attrs.field(default="", converter=_text)
    atten_lim_db: float | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(float),
        validator=optional([gt(0), le(100)]),
    )
    _spares: Spares = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        networks = spares(model_file(self.model_base_dir))
        networks.ready()
        object.__setattr__(self, "_spares", networks)

    def start(self, audio: AudioFormat) -> DeepFilterNetSession:
        return DeepFilterNetSession(audio, partial(self._stream, audio))

    def _stream(self, audio: AudioFormat) -> Stream:
        network = self._spares.take()
        if self.atten_lim_db is not None:
            network.limit(self.atten_lim_db)
        return Stream(audio, network)


@attrs.define(eq=False)
class DeepFilterNetSession:
    """One caller's audio, in a thread that ends with the session. A call never waits for it.

    *opened* makes the stream that the audio goes through, in that thread.
    """

    audio: AudioFormat
    opened: Callable[[], Stream]
    _thread: ThreadPoolExecutor = attrs.field(init=False)
    _stream: Future[Stream] = attrs.field(init=False)
    _pending: deque[tuple[int, Future[bytes]]] = attrs.field(factory=deque, init=False)
    _fed_ms: float = attrs.field(default=0.0, init=False)
    _began_s: float = attrs.field(factory=monotonic, init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deepfilternet")
        self._stream = self._thread.submit(self.opened)

    def process(self, audio: bytes) -> bytes:
        """What is done of the audio so far: in a call all before *audio*, which is one piece late.

        Raises PatterTimeoutError where the network is far behind: there is not enough machine
        for it. What the network raises is raised with a later piece.
        """
        self._fed_ms += self.audio.ms_in(len(audio))
        if self._is_ahead:
            self._catch_up()
        done = b""
        while self._pending and self._pending[0][1].done():
            done += self._pending.popleft()[1].result()
        behind_ms = self.audio.ms_in(sum(size for size, _ in self._pending))
        if behind_ms > LATE_MS:
            raise PatterTimeoutError(
                f"the network is {behind_ms:.0f} ms behind",
                fix="give calls more processors, or take fewer at a time",
            )
        self._pending.append((len(audio), self._thread.submit(_clean, self._stream, audio)))
        return done

    @property
    def _is_ahead(self) -> bool:
        """Is it fed faster than anybody speaks?"""
        return self._fed_ms - (monotonic() - self._began_s) * 1_000 > AHEAD_MS

    def _catch_up(self) -> None:
        """Wait for the network; the time it takes is not that of who feeds it."""
        waits_from_s = monotonic()
        wait([each for _, each in self._pending], WAIT_S)
        self._began_s += monotonic() - waits_from_s


def _clean(stream: Future[Stream], audio: bytes) -> bytes:
    return stream.result(0).clean(audio)  # the thread's own: it was made before


if TYPE_CHECKING:
    _: type[AudioFilter] = DeepFilterNetFilter
