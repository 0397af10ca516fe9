"""Takes noise out of a caller's audio with DeepFilterNet, in a thread beside the call."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs.validators import gt, le, optional

from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterTimeoutError
from patter_deepfilternet.model import model_file
from patter_deepfilternet.network import PCM16_48K, Spares, Stream, spares

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter

LATE_S = 0.5
"""A call whose network is so far behind goes on without it."""


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
        network = self._spares.take()
        if self.atten_lim_db is not None:
            network.limit(self.atten_lim_db)
        return DeepFilterNetSession(Stream(audio, network))


@attrs.define(eq=False)
class DeepFilterNetSession:
    """One caller's *stream*, in a thread that ends with the session."""

    stream: Stream
    _thread: ThreadPoolExecutor = attrs.field(init=False)
    _before: Future[bytes] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deepfilternet")

    def process(self, audio: bytes) -> bytes:
        """What became of the audio before, while *audio* is worked on: one piece late.

        In a call that is ready long before, and nothing waits. Raises PatterTimeoutError where
        it takes half a second: there is not enough machine for it.
        """
        before, self._before = self._before, self._thread.submit(self.stream.clean, audio)
        if before is None:
            return b""
        try:
            return before.result(LATE_S)
        except TimeoutError as late:
            raise PatterTimeoutError(
                f"the network was not done with a piece within {LATE_S:g} s",
                fix="give calls more processors, or take fewer at a time",
            ) from late


if TYPE_CHECKING:
    _: type[AudioFilter] = DeepFilterNetFilter
