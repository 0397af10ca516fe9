"""What happens to the caller's audio before anybody listens: cleaned, then made as loud as speech.

High pass, echo canceller, audio filter, gain, in this order. All of it is optional, so whatever
fails is left out from then on, with one warning, and the call goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import attrs

from patter.audio.convert import Converter, converter
from patter.audio.far_end import FarEnd
from patter.audio.fit import chain
from patter.audio.formats import AudioFormat, Encoding
from patter.call.fits import Fits
from patter.call.link import as_patter_error
from patter.call.plan import CallPlan
from patter.errors import PatterConfigError
from patter.observe.call_events import CallEvents
from patter.providers.audio_filter import AudioFilterSession, FarEndFilterSession

log = logging.getLogger("patter.call")


@attrs.define(eq=False)
class Stage:
    """One *session* under the *name* of the agent's parameter."""

    name: str
    session: AudioFilterSession


@attrs.define(eq=False)
class Conditioning:
    """The stages of one call, in the format *convert* converts to.

    *far_end* has what the caller is played, if a stage wants to know; *convert_far* converts it.
    """

    events: CallEvents
    convert: Converter
    convert_far: Converter
    cleaners: Sequence[Stage] = ()
    gain: Stage | None = None
    far_end: FarEnd | None = None

    def clean(self, audio: bytes, from_ms: float) -> bytes:
        """The caller's *audio*, of the call's time *from_ms*, without what is not the caller."""
        played = b""
        if self.far_end is not None:
            played = self.convert_far.feed(self.far_end.read(from_ms, len(audio)))
        audio = self.convert.feed(audio)
        for stage in self.cleaners:
            audio = self._through(stage, audio, played)
        return audio

    def level(self, audio: bytes) -> bytes:
        """*audio* as loud as it should be. Not for echoes: they would be made voices."""
        return self._through(self.gain, audio, b"") if self.gain is not None else audio

    def _through(self, stage: Stage, audio: bytes, played: bytes) -> bytes:
        try:
            if self.far_end is not None and isinstance(stage.session, FarEndFilterSession):
                stage.session.far_end(played)
            return stage.session.process(audio)
        except Exception as raised:
            self.cleaners = tuple(each for each in self.cleaners if each is not stage)
            self.gain = None if self.gain is stage else self.gain
            _left_out(self.events, stage.name, raised)
            return audio


def conditioning_of(
    plan: CallPlan, fits: Fits, events: CallEvents, far_end: Callable[[], FarEnd]
) -> Conditioning | None:
    """The stages *plan* asks for; None for none. *far_end()* is asked if a stage needs one."""
    steps = chain(fits.leg, fits.filtered)
    stages = list(_started(plan, fits, events))
    cleaners = [each for each in stages if each.name != "agc"]
    if not stages and not steps:
        return None
    wants_far = any(isinstance(each.session, FarEndFilterSession) for each in cleaners)
    return Conditioning(
        events=events,
        convert=converter(steps),
        convert_far=converter(steps),
        cleaners=tuple(cleaners),
        gain=next((each for each in stages if each.name == "agc"), None),
        far_end=far_end() if wants_far else None,
    )


def _started(plan: CallPlan, fits: Fits, events: CallEvents) -> Iterator[Stage]:
    for name, start in _starters(plan, fits.filtered):
        try:
            session = start()
        except Exception as raised:
            _left_out(events, name, raised)
        else:
            yield Stage(name, session)


def _starters(
    plan: CallPlan, audio: AudioFormat
) -> Iterator[tuple[str, Callable[[], AudioFilterSession]]]:
    # Imported when asked for: most agents have none of them.
    if (cutoff_hz := plan.high_pass_hz) is not None:
        from patter.audio.high_pass import HighPass

        yield "high_pass_hz", lambda: HighPass(_linear(audio), cutoff_hz)
    if plan.echo_cancellation:
        from patter.audio.echo_canceller import EchoCanceller

        yield "echo_cancellation", lambda: EchoCanceller(_linear(audio))
    if (audio_filter := plan.audio_filter) is not None:
        yield "audio_filter", lambda: audio_filter.start(audio)
    if (config := plan.agc) is not None:
        from patter.audio.agc import GainControl

        yield "agc", lambda: GainControl(_linear(audio), config)


def _linear(audio: AudioFormat) -> AudioFormat:
    if audio.encoding is not Encoding.PCM16:
        raise PatterConfigError(
            f"it takes PCM16, and the audio_filter delivers {audio}",
            fix="use an audio_filter that accepts PCM16",
        )
    return audio


def _left_out(events: CallEvents, name: str, raised: Exception) -> None:
    log.warning(
        "call %s: %s failed, and the caller is heard without it",
        events.call_id,
        name,
        exc_info=raised,
    )
    events.error(as_patter_error(raised, name), name)
