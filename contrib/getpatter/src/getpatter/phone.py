"""The phone under the names of the documents; the older README's forms are read here, and warn."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, NoReturn

from getpatter import old_forms
from getpatter.cloud import unavailable
from getpatter.dashboard_token import token_for
from patter import Agent, STTConfig, TTSConfig
from patter import Patter as _Patter

__all__ = ["Patter"]


class Patter(_Patter):
    """`patter.Patter`, which also takes what the older README wrote, with a DeprecationWarning.

    That is ``mode="local"``, *twilio_sid* and *twilio_token* for a carrier, and *openai_key* for
    the engine of agents that name no part. Raises CloudUnavailable for the arguments of a hosted
    service, and what `patter.Patter` raises.
    """

    def __init__(
        self,
        carrier: Any = None,
        phone_number: str = "",
        webhook_url: str = "",
        tunnel: Any = None,
        pricing: Any = None,
        persist: bool | str | None = None,
        **options: Any,
    ) -> None:
        old_forms.refuse_hosted(options)
        carrier = old_forms.carrier_of(options, carrier) or carrier
        if "mode" in options:
            old_forms.warn('mode="local"', "nothing: there is no other mode")
        if "openai_key" in options:
            old_forms.warn("openai_key=", "engine=OpenAIRealtime(api_key)")
        self._openai_key = str(options.get("openai_key") or "")
        rest = {k: v for k, v in options.items() if k not in old_forms.KEYWORDS}
        super().__init__(carrier, phone_number, webhook_url, tunnel, pricing, persist, **rest)

    def _agent(self, *arguments: Any, **options: Any) -> Agent:
        """As `patter.Patter.agent`, and tools may be dicts, which warns.

        Raises PatterConfigError, a ValueError, for an engine beside *stt* or *tts*, too.
        """
        bound = signature(super().agent).bind(*arguments, **options).arguments
        named = bound | bound.pop("unknown", {})
        return super().agent(**old_forms.agent_options(named, self.registry, self._openai_key))

    # A type checker shows the parameters there are; the older ones are for code that is older.
    if not TYPE_CHECKING:
        agent = wraps(_Patter.agent)(_agent)

    async def serve(
        self,
        agent: Agent,
        port: int = 8_000,
        recording: bool = False,
        on_call_start: Any = None,
        on_call_end: Any = None,
        on_transcript: Any = None,
        on_message: Any = None,
        on_metrics: Any = None,
        voicemail_message: str = "",
        dashboard: bool = True,
        dashboard_token: str = "",
        tunnel: Any = False,
        **options: Any,
    ) -> bool:
        """As `patter.Patter.serve`; a dashboard that others can reach gets a token if need be."""
        if dashboard and not dashboard_token:
            dashboard_token = token_for(self, tunnel, options)
        return await super().serve(
            agent,
            port=port,
            recording=recording,
            on_call_start=on_call_start,
            on_call_end=on_call_end,
            on_transcript=on_transcript,
            on_message=on_message,
            on_metrics=on_metrics,
            voicemail_message=voicemail_message,
            dashboard=dashboard,
            dashboard_token=dashboard_token if dashboard else "",
            tunnel=tunnel,
            **options,
        )

    async def connect(self, *_: Any, **__: Any) -> NoReturn:
        """Raises CloudUnavailable: there is no hosted service."""
        raise unavailable("connect()")

    @staticmethod
    def deepgram(api_key: str, language: str = "en") -> STTConfig:
        """Deepgram's recogniser. The older form of `DeepgramSTT`."""
        old_forms.warn("Patter.deepgram()", "DeepgramSTT(api_key)")
        return STTConfig("deepgram", api_key, language)

    @staticmethod
    def whisper(api_key: str, language: str = "en") -> STTConfig:
        """OpenAI's recogniser. The older form of `WhisperSTT`."""
        old_forms.warn("Patter.whisper()", "WhisperSTT(api_key)")
        return STTConfig("whisper", api_key, language)

    @staticmethod
    def elevenlabs(api_key: str, voice: str = "rachel") -> TTSConfig:
        """A voice of ElevenLabs'. The older form of `ElevenLabsTTS`."""
        old_forms.warn("Patter.elevenlabs()", "ElevenLabsTTS(api_key, voice_id=...)")
        return TTSConfig("elevenlabs", api_key, voice)

    @staticmethod
    def openai_tts(api_key: str, voice: str = "alloy") -> TTSConfig:
        """A voice of OpenAI's. The older form of `OpenAITTS`."""
        old_forms.warn("Patter.openai_tts()", "OpenAITTS(api_key, voice=...)")
        return TTSConfig("openai", api_key, voice)
