"""The kinds of providers there are: one definition each.

Everything else follows from it: the entry points, the hook, the flag of the command line, what
an object must have. A new kind is a file in `patter.providers` and a definition here.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from patter.errors import PatterConfigError
from patter.plugins.kind import Kind

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter
    from patter.providers.carrier import Carrier
    from patter.providers.engine import Engine
    from patter.providers.guardrail import GuardrailProvider
    from patter.providers.llm import LLM
    from patter.providers.stt import STT
    from patter.providers.tts import TTS
    from patter.providers.tunnel import Tunnel
    from patter.providers.turn_detector import TurnDetector
    from patter.providers.vad import VAD

CARRIER_KIND: Kind[Carrier] = Kind("carrier", "carrier", "patter.providers.carrier:Carrier")
STT_KIND: Kind[STT] = Kind(
    "stt", "recogniser", "patter.providers.stt:STT", traits="patter.providers.stt:STTTraits"
)
TTS_KIND: Kind[TTS] = Kind("tts", "voice", "patter.providers.tts:TTS")
LLM_KIND: Kind[LLM] = Kind("llm", "language model", "patter.providers.llm:LLM")
VAD_KIND: Kind[VAD] = Kind("vad", "voice detector", "patter.providers.vad:VAD")
ENGINE_KIND: Kind[Engine] = Kind(
    "engine", "speech-to-speech engine", "patter.providers.engine:Engine"
)
TUNNEL_KIND: Kind[Tunnel] = Kind(
    "tunnel",
    "tunnel",
    "patter.providers.tunnel:Tunnel",
    traits="patter.providers.tunnel:TunnelTraits",
)
GUARDRAIL_KIND: Kind[GuardrailProvider] = Kind(
    "guardrail", "guardrail", "patter.providers.guardrail:GuardrailProvider"
)
TURN_DETECTOR_KIND: Kind[TurnDetector] = Kind(
    "turn_detector", "turn detector", "patter.providers.turn_detector:TurnDetector"
)
AUDIO_FILTER_KIND: Kind[AudioFilter] = Kind(
    "audio_filter", "audio filter", "patter.providers.audio_filter:AudioFilter"
)

KINDS: tuple[Kind[Any], ...] = (
    CARRIER_KIND,
    STT_KIND,
    TTS_KIND,
    LLM_KIND,
    VAD_KIND,
    ENGINE_KIND,
    TUNNEL_KIND,
    GUARDRAIL_KIND,
    TURN_DETECTOR_KIND,
    AUDIO_FILTER_KIND,
)
"""In the order in which they are listed."""


def kind_names() -> list[str]:
    """What the kinds are called."""
    return [kind.name for kind in KINDS]


def kind_named(name: str) -> Kind[Any]:
    """The kind that is called *name*. Raises PatterConfigError."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = kind_names()
    close = difflib.get_close_matches(name, names, n=1)
    fix = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"
    raise PatterConfigError(f"there is no kind of provider named {name!r}", fix=fix)
