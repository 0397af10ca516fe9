"""The audio formats of one call, and what converts one into another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat, Encoding
from patter.call.plan import CallPlan
from patter.errors import PatterConfigError
from patter.providers.engine import Engine
from patter.providers.stt import STT
from patter.providers.tts import TTS


@attrs.frozen(kw_only=True)
class Fits:
    """The audio formats of one call, and the conversions between them.

    *filtered* is what the stages of `patter.call.conditioning` deliver, if there are any. *stt* and
    *tts* are those of the first candidates; their links convert for whichever is used.
    """

    leg: AudioFormat
    filtered: AudioFormat
    stt: Fit
    tts: Fit
    vad: Fit | None = None

    @classmethod
    def of(cls, plan: CallPlan, leg: AudioFormat) -> Fits:
        """The cheapest conversions between *leg* and the plan's providers."""
        filtered = fit((leg,), _conditioned(plan, leg)).sink
        return cls(
            leg=leg,
            filtered=filtered,
            stt=fit((filtered,), _ears(plan).accepts),
            tts=fit(_mouth(plan).produces, (leg,)),
            vad=fit((filtered,), plan.vad.accepts) if plan.vad else None,
        )

    @property
    def formats(self) -> Mapping[str, str]:
        """What the line, the recogniser and the voice speak."""
        return {"leg": str(self.leg), "stt": str(self.stt.sink), "tts": str(self.tts.source)}


def _conditioned(plan: CallPlan, leg: AudioFormat) -> Sequence[AudioFormat]:
    """What the caller's audio may be while it is cleaned; our own stages take PCM16 only."""
    own = plan.high_pass_hz is not None or plan.echo_cancellation or plan.agc is not None
    if plan.audio_filter is None:
        return (AudioFormat(Encoding.PCM16, leg.rate_hz) if own else leg,)
    accepts = plan.audio_filter.accepts
    linear = [each for each in accepts if each.encoding is Encoding.PCM16]
    return linear if own and linear else accepts


def _ears(plan: CallPlan) -> STT | Engine:
    ears = plan.engine or plan.stt
    if ears is None:
        raise _incomplete("hears")
    return ears


def _mouth(plan: CallPlan) -> TTS | Engine:
    mouth = plan.engine or plan.tts
    if mouth is None:
        raise _incomplete("speaks")
    return mouth


def _incomplete(does: str) -> PatterConfigError:
    return PatterConfigError(
        f"the plan of the call has nothing that {does}",
        fix="give it an engine, or stt, tts and a mind",
    )
