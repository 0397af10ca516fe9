"""Takes noise, and with some models other voices, out of a caller's audio with Krisp's VIVA SDK."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
from attrs.validators import ge, in_, le, optional

from patter.audio.formats import AudioFormat, Encoding
from patter.env import credential, read
from patter.errors import PatterConfigError, ProviderError
from patter.providers.health import HealthReport
from patter_krisp.sdk import LICENCE, Hold, krisp_audio

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter

MODEL = "KRISP_VIVA_FILTER_MODEL_PATH"
RATES = (8_000, 16_000, 24_000, 32_000, 48_000)
FRAMES_MS = (10, 15, 20, 30, 32)
ACCEPTS = tuple(AudioFormat(Encoding.PCM16, rate) for rate in RATES)


def _model_path(value: str | Path | None) -> str:
    path = str(value or "") or read(MODEL)
    if not path:
        raise PatterConfigError(
            "KrispVivaFilter has no model_path",
            fix=f"export {MODEL} with the path of a *.kef model of your Krisp account, or "
            "KrispVivaFilter(model_path=...)",
        )
    return path


def _license_key(explicit: str | None) -> str:
    return credential("KrispVivaFilter", "license_key", explicit, LICENCE, "KRISP_VIVA_API_KEY")


def _optional_int(value: str | int | None) -> int | None:
    return int(value) if value is not None else None


@attrs.frozen(kw_only=True)
class KrispVivaFilter:
    """Which model and licence, and how much noise to take out. Immutable: share it between calls.

    *model_path* is a model of the vendor's (``.kef``); None is KRISP_VIVA_FILTER_MODEL_PATH.
    *license_key*: None is KRISP_VIVA_SDK_LICENSE_KEY, else KRISP_VIVA_API_KEY.
    *noise_suppression_level*: 0 to 100. *frame_duration_ms*: how much the SDK is given at a time,
    10, 15, 20, 30 or 32. *sample_rate*: to which audio is brought, in Hz; None is the line's.

    The SDK is set up, and asked about the licence, when the phone begins to serve, at the latest
    with the first call, and stays until the filter and its last session are gone. Raises
    NotInstalled without krisp_audio, MissingCredential without a key, and PatterConfigError
    without a model.
    """

    # What the SDK connects to for its licence is not known here.
    hosts: ClassVar[tuple[str, ...]] = ()

    model_path: str = attrs.field(default=None, converter=_model_path)
    license_key: str = attrs.field(
        default=None, converter=_license_key, repr=False, metadata={"env": LICENCE}
    )
    noise_suppression_level: float = attrs.field(
        default=100.0, converter=float, validator=[ge(0), le(100)]
    )
    frame_duration_ms: int = attrs.field(default=10, converter=int, validator=in_(FRAMES_MS))
    sample_rate: int | None = attrs.field(
        default=None, converter=_optional_int, validator=optional(in_(RATES))
    )
    accepts: tuple[AudioFormat, ...] = attrs.field(default=ACCEPTS, init=False)
    _kept: list[Hold] = attrs.field(factory=list, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        path = Path(self.model_path).expanduser()
        if path.suffix != ".kef" or not path.is_file():
            raise PatterConfigError(
                f"there is no Krisp model (*.kef) at {path}",
                fix=f"export {MODEL} with the path of one, or give it as model_path",
            )
        if self.sample_rate is not None:
            only = AudioFormat(Encoding.PCM16, self.sample_rate)
            object.__setattr__(self, "accepts", (only,))
        # What is not there is missed when the agent is made, not when somebody calls.
        krisp_audio()

    async def warm(self) -> None:
        """Set the SDK up and have it read the model, in a thread."""
        if not self._kept:
            await asyncio.to_thread(self.start, self.accepts[0])

    async def check(self) -> HealthReport:
        """Ask the SDK whether it takes the licence and the model."""
        await asyncio.to_thread(self.start, self.accepts[0])
        version = ".".join(map(str, self._kept[0].sdk.version))
        return HealthReport(text=f"Krisp SDK {version}, {Path(self.model_path).name}")

    def start(self, audio: AudioFormat) -> KrispVivaSession:
        """A session of the SDK for one call, at the rate of *audio*.

        Raises AuthenticationError when the SDK refuses the licence, ProviderError when it cannot
        be set up or cannot use the model, PatterConfigError while it is up with another licence.
        """
        hold = Hold(self.license_key)
        if not self._kept:
            # Between calls too: no call but the first sets it up.
            self._kept.append(Hold(self.license_key))
        hold.open(self._config(hold.module, audio))
        return KrispVivaSession(
            hold, audio.bytes_in(self.frame_duration_ms), self.noise_suppression_level
        )

    def _config(self, krisp: Any, audio: AudioFormat) -> Any:
        model = krisp.ModelInfo()
        model.path = str(Path(self.model_path).expanduser())
        config = krisp.NcSessionConfig()
        config.inputSampleRate = getattr(krisp.SamplingRate, f"Sr{audio.rate_hz}Hz")
        config.inputFrameDuration = getattr(krisp.FrameDuration, f"Fd{self.frame_duration_ms}ms")
        config.outputSampleRate = config.inputSampleRate
        config.modelInfo = model
        return config


@attrs.define(eq=False)
class KrispVivaSession:
    """One caller's session, in frames of *frame_bytes*; what does not fill one waits."""

    _hold: Hold
    frame_bytes: int
    level: float
    _waiting: bytes = attrs.field(default=b"", init=False)

    def process(self, audio: bytes) -> bytes:
        """As much of *audio*, and of what was held back, as fills frames, without noise."""
        self._waiting += audio
        cleaned = bytearray()
        while len(self._waiting) >= self.frame_bytes:
            frame, self._waiting = (
                self._waiting[: self.frame_bytes],
                self._waiting[self.frame_bytes :],
            )
            cleaned += self._clean(frame)
        return bytes(cleaned)

    def _clean(self, frame: bytes) -> bytes:
        # A copy: from 1.11 on the SDK wants to be able to write to it.
        samples = np.frombuffer(frame, "<i2").astype(np.int16)
        out = np.asarray(self._hold.process(samples, self.level)).astype("<i2").tobytes()
        if len(out) != len(frame):
            raise ProviderError(
                f"the Krisp SDK answers {len(frame)} bytes of audio with {len(out)}",
                fix="try another frame_duration_ms, or another version of the SDK",
            )
        return out


if TYPE_CHECKING:
    _: type[AudioFilter] = KrispVivaFilter
