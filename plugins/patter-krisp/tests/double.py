"""A double of the vendor's module krisp_audio, as strict as it is known to be, and stricter.

It knows one licence. It refuses what comes in the wrong order or form: a session before the SDK
is up or without a model, a frame of the wrong length or that cannot be written to, a second
set-up, and an end of the SDK while a session is there, which the vendor's does not survive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

LICENCE = "a licence of the double"
RATES = {f"Sr{rate}Hz": rate for rate in (8_000, 16_000, 24_000, 32_000, 44_100, 48_000)}
FRAMES = {f"Fd{ms}ms": ms for ms in (10, 15, 20, 30, 32)}
GOOD_MODEL = b"kef: noise"


class KrispAudio:
    """The module. *log* is what was asked of it, in order; *fail* is raised by the next frame."""

    def __init__(self, version: tuple[int, int, int] = (1, 11, 0)) -> None:
        self.version, self.up = version, False
        self.log = list[str]()
        self.fail: Exception | None = None
        self.refuses_by_raising = False
        self.sessions = weakref.WeakSet[_Session]()
        self.on_licence: Callable[[object, str], None] | None = None
        self.SamplingRate = SimpleNamespace(**{name: ("rate", hz) for name, hz in RATES.items()})
        self.FrameDuration = SimpleNamespace(**{name: ("frame", ms) for name, ms in FRAMES.items()})
        self.LogLevel = SimpleNamespace(Off="off")
        self.ModelInfo = SimpleNamespace
        self.NcSessionConfig = SimpleNamespace
        self.NcInt16 = SimpleNamespace(create=self._create)

    @property
    def float_levels(self) -> bool:
        return self.version >= (1, 11, 0)

    def globalInit(self, working_path: str, *given: Any) -> None:
        if len(given) != (4 if self.version >= (1, 6, 1) else 2):
            raise TypeError("globalInit(): incompatible function arguments")
        self.log.append("init")
        if self.up:
            raise RuntimeError("the SDK is up already")
        if working_path or not callable(given[-2]) or given[-1] != "off":
            raise TypeError("globalInit(): incompatible function arguments")
        if len(given) == 4:
            self._check(given[0], given[1])
        self.up = True

    def _check(self, key: str, on_licence: Callable[[object, str], None]) -> None:
        self.on_licence = on_licence
        if key == LICENCE:
            return
        on_licence("InvalidLicense", "the key is not known")
        if self.refuses_by_raising:
            raise RuntimeError("licence")

    def globalDestroy(self) -> None:
        self.log.append("destroy")
        assert self.up, "destroyed without being up"
        assert not list(self.sessions), "destroyed under a session: the vendor's reads freed memory"
        self.up = False

    def getVersion(self) -> SimpleNamespace:
        assert self.up, "asked before it was set up"
        major, minor, patch = self.version
        return SimpleNamespace(major=major, minor=minor, patch=patch, build=1)

    def _create(self, config: SimpleNamespace) -> _Session:
        self.log.append("session")
        if not self.up:
            raise RuntimeError("the SDK is not up")
        path = Path(config.modelInfo.path)
        if not path.is_file() or path.read_bytes() != GOOD_MODEL:
            raise RuntimeError("the model cannot be loaded")
        (rate_kind, rate), (frame_kind, ms) = config.inputSampleRate, config.inputFrameDuration
        if (rate_kind, frame_kind) != ("rate", "frame") or config.outputSampleRate[1] != rate:
            raise TypeError("a session's rates and frame are members of their enumerations")
        session = _Session(self, rate * ms // 1_000)
        self.sessions.add(session)
        return session


class _Session:
    """Halves what it is given at level 100, and lets it through at 0.

    As the vendor's, which is no Python, it is in no frame of a traceback that somebody keeps.
    """

    def __init__(self, sdk: KrispAudio, samples: int) -> None:
        self.process = _processor(sdk, samples)


def _processor(sdk: KrispAudio, samples: int) -> Callable[[Any, Any], Any]:
    def process(frame: Any, level: Any) -> Any:
        assert sdk.up, "used after the SDK was destroyed"
        if type(level) is not (float if sdk.float_levels else int) or not 0 <= level <= 100:
            raise TypeError("process(): incompatible function arguments")
        if frame.dtype != np.int16 or (sdk.float_levels and not frame.flags.writeable):
            raise TypeError("process(): incompatible function arguments")
        if frame.shape != (samples,):
            raise RuntimeError(f"a frame has {samples} samples, not {frame.shape}")
        if sdk.fail is not None:
            raise sdk.fail
        return (frame * (1 - level / 200)).astype(np.int16)

    return process
