"""Tell Patter what this package offers. Imported only when a spec names one of its providers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
    from patter_openai.compatible import OpenAICompatibleLLM
    from patter_openai.engine import OpenAIRealtime
    from patter_openai.llm import OpenAILLM
    from patter_openai.moderation import OpenAIModeration
    from patter_openai.transcribe import OpenAITranscribeSTT
    from patter_openai.tts import OpenAITTS
    from patter_openai.whisper import WhisperSTT

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> OpenAILLM | OpenAICompatibleLLM:
    if spec.provider == "openai-compatible":
        from patter_openai.compatible import OpenAICompatibleLLM

        return spec.build(OpenAICompatibleLLM)
    from patter_openai.llm import OpenAILLM

    return spec.build(OpenAILLM)


@hookimpl
def patter_stt(spec: ProviderSpec) -> OpenAITranscribeSTT | WhisperSTT:
    if spec.provider == "whisper":
        from patter_openai.whisper import WhisperSTT

        return spec.build(WhisperSTT)
    from patter_openai.transcribe import OpenAITranscribeSTT

    return spec.build(OpenAITranscribeSTT)


@hookimpl
def patter_tts(spec: ProviderSpec) -> OpenAITTS:
    from patter_openai.tts import OpenAITTS

    return spec.build(OpenAITTS)


@hookimpl
def patter_engine(spec: ProviderSpec) -> OpenAIRealtime:
    from patter_openai.engine import OpenAIRealtime

    return spec.build(OpenAIRealtime)


@hookimpl
def patter_guardrail(spec: ProviderSpec) -> OpenAIModeration:
    from patter_openai.moderation import OpenAIModeration

    return spec.build(OpenAIModeration)


@hookimpl
def patter_prices() -> Iterable[Price]:
    from patter_openai._prices import prices

    return prices()
