"""Smart Turn's judgement on a pause: does this voice sound as if it had finished?

The network hears melody and pace, and no words. A judgement takes some 100 ms of computing in a
thread; the loop only waits for it, and who does not wait any longer takes it out of the queue.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs.validators import gt, lt

from patter.audio.formats import PCM16_16K, AudioFormat
from patter.env import read
from patter.errors import PatterConfigError
from patter.providers.turn_detector import TurnDetector
from patter_smart_turn._mel import WINDOW_MS
from patter_smart_turn._model import Model, load, workers

VARIABLE = "PATTER_SMART_TURN_MODEL"


def _path(value: str | Path | None) -> str:
    path = str(value or "") or read(VARIABLE)
    if not path:
        raise PatterConfigError(
            "SmartTurnDetector has no model_path",
            fix=f"export {VARIABLE}, or SmartTurnDetector(model_path=...)",
        )
    return path


@attrs.frozen(kw_only=True)
class SmartTurnDetector:
    """Which network judges, and how sure it must be. Immutable: share it between calls.

    *model_path* is the file of a Smart Turn v3 model in ONNX; None is PATTER_SMART_TURN_MODEL.
    From a probability of *threshold*, above 0 and below 1, a turn counts as finished. Making one
    loads the file, once a process. Raises PatterConfigError when it is missing, or is no model
    that takes 80 x 800 log-mel features and answers with one probability.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_16K,)
    window_ms: ClassVar[int] = WINDOW_MS

    model_path: str = attrs.field(default=None, converter=_path)
    threshold: float = attrs.field(default=0.5, converter=float, validator=[gt(0), lt(1)])
    _model: Model = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_model", load(Path(self.model_path).expanduser().resolve()))

    async def predict(self, audio: bytes, text: str) -> float:  # noqa: ARG002
        """How likely the caller has finished, from the last 8 s of *audio*: PCM16 at 16 kHz."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(workers(), self._model.probability, audio)


if TYPE_CHECKING:
    _: type[TurnDetector] = SmartTurnDetector
