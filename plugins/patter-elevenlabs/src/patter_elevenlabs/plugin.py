"""Tell Patter what this package offers. Imported only when a spec says ``elevenlabs``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
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
    """An agent that lives at ElevenLabs; what a spec calls the model is the agent."""
    from patter_elevenlabs.engine import ElevenLabsConvAI

    if spec.model is not None:
        import attrs

        spec = attrs.evolve(spec, model=None, options={**spec.options, "agent_id": spec.model})
    return spec.build(ElevenLabsConvAI)


@hookimpl
def patter_prices() -> Iterable[Price]:
    """ElevenLabs' list prices in US dollars; what a plan includes is not counted.

    From a public breakdown, developer.puter.com, "ElevenLabs API Pricing", June 2026, read in
    November 2026: flash and turbo 0.05 and multilingual v2 and v3 0.10 for 1,000 characters,
    Scribe v2 realtime 0.39 an hour, agents 0.08 a minute.
    """
    from patter.observe.pricing import Price

    voices = ("elevenlabs", "elevenlabs-rest")
    models = {
        "eleven_flash_v2": 0.05,
        "eleven_turbo_v2": 0.05,
        "eleven_multilingual_v2": 0.10,
        "eleven_v3": 0.10,
    }
    for provider in voices:
        for model, usd in models.items():
            yield Price(
                kind="tts", provider=provider, model=model, unit="characters", usd=usd, per=1_000
            )
    yield Price(
        kind="stt",
        provider="elevenlabs",
        model="scribe_v2_realtime",
        unit="minutes",
        usd=0.39,
        per=60,
    )
    yield Price(kind="engine", provider="elevenlabs", unit="minutes", usd=0.08)


def _renamed(spec: ProviderSpec) -> ProviderSpec:
    """*spec* with the options that every vendor has under the names of this one.

    A model and a voice go by their ids here, and settings of a voice are one option: so
    ``elevenlabs/eleven_flash_v2_5?voice=rachel&speed=1.1`` is read, too.
    """
    import attrs

    from patter_elevenlabs._settings import SETTING_NAMES

    options = dict(spec.options)
    if "voice" in options:
        options.setdefault("voice_id", options.pop("voice"))
    if settings := {name: options.pop(name) for name in SETTING_NAMES if name in options}:
        options.setdefault("voice_settings", json.dumps(settings))
    if spec.model is None:
        return attrs.evolve(spec, options=options)
    return attrs.evolve(spec, model=None, options={**options, "model_id": spec.model})
