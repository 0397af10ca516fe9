"""Which conversions join two ends that offer several formats: the cheapest, chosen once.

Pure: no audio passes here and nothing heavy is imported. `patter.audio.convert` carries the
steps out. The cost of a step is about its nanoseconds for 20 ms of audio on a server core:

- transcode (mu-law to A-law or back): 15 a kilohertz
- decode (G.711 to PCM16): 90 a kilohertz
- encode (PCM16 to G.711): 110 a kilohertz
- resample (PCM16 to another rate): 6,000, and 200 a kilohertz of both rates

Same format on both ends costs nothing, and then nothing at all is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import product

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.errors import PatterConfigError


class StepKind(StrEnum):
    """What one step does to the audio."""

    TRANSCODE = "transcode"
    DECODE = "decode"
    ENCODE = "encode"
    RESAMPLE = "resample"


_NS_PER_KHZ = {
    StepKind.TRANSCODE: 15,
    StepKind.DECODE: 90,
    StepKind.ENCODE: 110,
    StepKind.RESAMPLE: 200,
}
_NS_PER_RESAMPLING = 6_000


@attrs.frozen
class Step:
    """One conversion, of the encoding or of the rate, never of both.

    >>> from patter.audio.formats import MULAW_8K, PCM16_8K
    >>> str(Step(MULAW_8K, PCM16_8K))
    'decode mulaw/8k to pcm16/8k'
    """

    source: AudioFormat
    sink: AudioFormat

    @property
    def kind(self) -> StepKind:
        """Raises PatterConfigError for a change that no single step can make."""
        pcm = (self.source.encoding is Encoding.PCM16, self.sink.encoding is Encoding.PCM16)
        if self.source.rate_hz != self.sink.rate_hz:
            if all(pcm):
                return StepKind.RESAMPLE
        elif self.source != self.sink:
            return {
                (False, False): StepKind.TRANSCODE,
                (False, True): StepKind.DECODE,
                (True, False): StepKind.ENCODE,
            }[pcm]
        raise PatterConfigError(
            f"no single step leads from {self.source} to {self.sink}",
            fix="use patter.audio.fit.chain(source, sink)",
        )

    @property
    def cost(self) -> int:
        """About the nanoseconds it takes for 20 ms of audio."""
        each, rate = _NS_PER_KHZ[self.kind], self.source.rate_hz
        if self.kind is StepKind.RESAMPLE:
            return _NS_PER_RESAMPLING + each * (rate + self.sink.rate_hz) // 1_000
        return each * rate // 1_000

    def __str__(self) -> str:
        return f"{self.kind} {self.source} to {self.sink}"


@attrs.frozen
class Fit:
    """The pair of formats two ends agree on, and the steps between them, in order."""

    source: AudioFormat
    sink: AudioFormat
    steps: tuple[Step, ...] = ()

    @property
    def cost(self) -> int:
        """The sum of the steps' costs."""
        return sum(step.cost for step in self.steps)

    def __str__(self) -> str:
        if not self.steps:
            return f"{self.source}, no conversion"
        count = len(self.steps)
        path = " -> ".join(map(str, (self.source, *(step.sink for step in self.steps))))
        return f"{path}, {count} step{'s'[: count > 1]}"


def chain(source: AudioFormat, sink: AudioFormat) -> tuple[Step, ...]:
    """The cheapest steps from *source* to *sink*; none if they are the same."""
    if source == sink:
        return ()
    if source.rate_hz == sink.rate_hz:
        return (Step(source, sink),)
    first = AudioFormat(Encoding.PCM16, source.rate_hz)
    last = AudioFormat(Encoding.PCM16, sink.rate_hz)
    path = tuple(dict.fromkeys((source, first, last, sink)))
    return tuple(map(Step, path, path[1:]))


def fit(sources: Sequence[AudioFormat], sinks: Sequence[AudioFormat]) -> Fit:
    """Choose one of *sources* and one of *sinks*, both best first, with the cheapest chain.

    Equal costs go to the pair with the least sum of places, then to the earlier source.
    Raises PatterConfigError when a side offers nothing.
    """
    for side, offered in (("source", sources), ("sink", sinks)):
        if not offered:
            raise PatterConfigError(
                f"the {side} of an audio path offers no format",
                fix=f"list at least one AudioFormat in what the {side} produces or accepts",
            )
    pairs = product(enumerate(sources), enumerate(sinks))
    best = min(pairs, key=lambda pair: _rank(*pair))
    (_, source), (_, sink) = best
    return Fit(source, sink, chain(source, sink))


def meeting(
    line: Sequence[AudioFormat], accepts: Sequence[AudioFormat], produces: Sequence[AudioFormat]
) -> AudioFormat:
    """The format of *line*, best first, that suits whoever listens and speaks there best.

    The least conversion both ways; of equals the one the listener likes better, then the
    earlier. Raises PatterConfigError when somebody offers nothing.
    """

    def effort(place: int) -> tuple[int, int, int]:
        here = (line[place],)
        listening, speaking = fit(here, accepts), fit(produces, here)
        return listening.cost + speaking.cost, accepts.index(listening.sink), place

    return line[min(range(len(line)), key=effort)]


def _rank(left: tuple[int, AudioFormat], right: tuple[int, AudioFormat]) -> tuple[int, int, int]:
    (place, source), (other, sink) = left, right
    return sum(step.cost for step in chain(source, sink)), place + other, place
