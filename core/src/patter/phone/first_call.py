"""What the first call of an agent would otherwise import and build, while other calls wait.

numpy and soxr take hundreds of milliseconds and a fifth of a process's memory; an agent whose
providers speak the line's own format never needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from patter.agent import Agent
from patter.audio.convert import converter
from patter.audio.fit import Step, chain, fit
from patter.audio.formats import PCM16_8K, AudioFormat
from patter.audio.level import powers
from patter.parts import AgentParts
from patter.providers.carrier import Carrier
from patter.text.languages import rules_of
from patter.text.listener_words import listener_words

LEVEL_MS = 20.0


def ready_for_calls(agent: Agent, parts: AgentParts, carrier: Carrier, *, recording: bool) -> None:
    """Get ready for calls of *agent* over *carrier*; *recording*: each is written to a WAV."""
    listener_words(agent.language)
    rules_of(agent.language)
    if parts.engine is not None:
        import_module("patter.call.engine_parts")
    for line in carrier.formats:
        for steps in _conversions(parts, line):
            converter(steps)
        if recording:
            converter(chain(line, PCM16_8K))
            powers(b"", line, LEVEL_MS)
        if parts.vad is not None and agent.echo_gate:
            powers(b"", line, LEVEL_MS)


def _conversions(parts: AgentParts, line: AudioFormat) -> Iterator[tuple[Step, ...]]:
    """Every conversion of a call's audio, those of providers that stand in included."""
    heard = line
    if parts.audio_filter is not None:
        to_filter = fit((line,), parts.audio_filter.accepts)
        yield to_filter.steps
        heard = to_filter.sink
    for listener in (
        *parts.stt_candidates,
        *parts.engine_candidates,
        parts.vad,
        parts.turn_detector,
    ):
        if listener is not None:
            yield fit((heard,), listener.accepts).steps
    spoken = [each.produces for each in parts.tts_candidates]
    spoken += [each.produces for each in parts.engine_candidates]
    for produced in spoken:
        yield fit(produced, (line,)).steps
