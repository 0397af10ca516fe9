"""Tell Patter what this package offers. Imported only when a spec says ``elevenlabs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_elevenlabs.engine import ElevenLabsConvAI
    from patter_elevenlabs.rest_tts import ElevenLabsRestTTS
    from patter_elevenlabs.stt import ElevenLabsScribeSTT
    from patter_elevenlabs.tts import ElevenLabsWebSocketTTS

PATTER_API = 1


@hookimpl
def patter_tts(spec: ProviderSpec) -> ElevenLabsWebSocketTTS | ElevenLabsRestTTS:
    """The voice: over a WebSocket as ``elevenlabs``, over HTTP as ``elevenlabs-rest``."""
    if spec.provider == "elevenlabs-rest":
        from patter_elevenlabs.rest_tts import ElevenLabsRestTTS

        return _renamed(spec).build(ElevenLabsRestTTS)
    from patter_elevenlabs.tts import ElevenLabsWebSocketTTS

    return _renamed(spec).build(ElevenLabsWebSocketTTS)


@hookimpl
def patter_stt(spec: ProviderSpec) -> ElevenLabsScribeSTT:
    """Scribe, the recogniser."""
    from patter_elevenlabs.stt import ElevenLabsScribeSTT

    return _renamed(spec).build(ElevenLabsScribeSTT)


@hookimpl
def patter_engine(spec: ProviderSpec) -> ElevenLabsConvAI:
    """An agent that lives at ElevenLabs."""
    from patter_elevenlabs.engine import ElevenLabsConvAI

    return spec.build(ElevenLabsConvAI)


def _renamed(spec: ProviderSpec) -> ProviderSpec:
    """*spec* with what every spec calls a model and a voice under the names of this vendor."""
    options = dict(spec.options)
    if "voice" in options and "voice_id" not in options:
        options["voice_id"] = options.pop("voice")
    if spec.model is None or "model_id" in options:
        return attrs.evolve(spec, options=options)
    return attrs.evolve(spec, model=None, options={"model_id": spec.model, **options})
