"""Which distribution offers which first-party provider, class and command: data only.

The tables are generated from the packages of this repository by ``nox -s known``, and a test
holds them to it. They are the only source of install hints: a name that is not in here never
yields a ``pip install`` of something guessed.
"""

from __future__ import annotations

# begin generated
PROVIDERS: dict[tuple[str, str], str] = {
    ("carrier", "plivo"): "patter-plivo",
    ("carrier", "softphone"): "patter-softphone",
    ("carrier", "telnyx"): "patter-telnyx",
    ("carrier", "twilio"): "patter-twilio",
    ("engine", "default"): "patter-openai",
    ("engine", "elevenlabs"): "patter-elevenlabs",
    ("engine", "openai"): "patter-openai",
    ("guardrail", "openai"): "patter-openai",
    ("llm", "anthropic"): "patter-anthropic",
    ("llm", "google"): "patter-google",
    ("llm", "openai"): "patter-openai",
    ("llm", "openai-compatible"): "patter-openai",
    ("llm", "rules"): "patter-demo",
    ("stt", "deepgram"): "patter-deepgram",
    ("stt", "elevenlabs"): "patter-elevenlabs",
    ("stt", "openai"): "patter-openai",
    ("stt", "pocketsphinx"): "patter-pocketsphinx",
    ("stt", "whisper"): "patter-openai",
    ("tts", "deepgram"): "patter-deepgram",
    ("tts", "elevenlabs"): "patter-elevenlabs",
    ("tts", "elevenlabs-rest"): "patter-elevenlabs",
    ("tts", "espeak"): "patter-espeak",
    ("tts", "openai"): "patter-openai",
    ("tunnel", "cloudflare"): "patter-cloudflare",
    ("tunnel", "default"): "patter-cloudflare",
    ("tunnel", "ngrok"): "patter-ngrok",
    ("turn_detector", "smart-turn"): "patter-smart-turn",
    ("vad", "default"): "patter-silero",
    ("vad", "silero"): "patter-silero",
    ("vad", "webrtcvad"): "patter-webrtcvad",
}

CLASSES: dict[str, str] = {
    "AnthropicLLM": "patter-anthropic",
    "At": "patter-testing",
    "AudioFilterSuite": "patter-testing",
    "Broken": "patter-testing",
    "CallRegistrySuite": "patter-testing",
    "Caller": "patter-testing",
    "CallsSuite": "patter-testing",
    "CarrierSuite": "patter-testing",
    "CloudflareTunnel": "patter-cloudflare",
    "DeepgramFluxSTT": "patter-deepgram",
    "DeepgramFluxTTS": "patter-deepgram",
    "DeepgramSTT": "patter-deepgram",
    "DeepgramTTS": "patter-deepgram",
    "ElevenLabsConvAI": "patter-elevenlabs",
    "ElevenLabsRestTTS": "patter-elevenlabs",
    "ElevenLabsSTT": "patter-elevenlabs",
    "ElevenLabsScribeSTT": "patter-elevenlabs",
    "ElevenLabsTTS": "patter-elevenlabs",
    "ElevenLabsWebSocketTTS": "patter-elevenlabs",
    "EngineSuite": "patter-testing",
    "EngineVendor": "patter-testing",
    "EspeakTTS": "patter-espeak",
    "FakeAudioFilter": "patter-testing",
    "FakeCarrier": "patter-testing",
    "FakeEngine": "patter-testing",
    "FakeEngineVendor": "patter-testing",
    "FakeGuardrail": "patter-testing",
    "FakeLLM": "patter-testing",
    "FakeLeg": "patter-testing",
    "FakeSTT": "patter-testing",
    "FakeTTS": "patter-testing",
    "FakeTunnel": "patter-testing",
    "FakeTurnDetector": "patter-testing",
    "FakeVAD": "patter-testing",
    "Faults": "patter-softphone",
    "GoogleLLM": "patter-google",
    "Grammar": "patter-pocketsphinx",
    "GuardrailSuite": "patter-testing",
    "LLMSuite": "patter-testing",
    "LabCall": "patter-testing",
    "Ngrok": "patter-ngrok",
    "OpenAICompatibleLLM": "patter-openai",
    "OpenAILLM": "patter-openai",
    "OpenAIModeration": "patter-openai",
    "OpenAIRealtime": "patter-openai",
    "OpenAITTS": "patter-openai",
    "OpenAITranscribeSTT": "patter-openai",
    "PhoneSuite": "patter-testing",
    "Played": "patter-testing",
    "Plivo": "patter-plivo",
    "PocketsphinxSTT": "patter-pocketsphinx",
    "RemoteParty": "patter-testing",
    "Reply": "patter-testing",
    "Rule": "patter-demo",
    "RulesLLM": "patter-demo",
    "STTSuite": "patter-testing",
    "SileroVAD": "patter-silero",
    "Simulation": "patter-testing",
    "SmartTurnDetector": "patter-smart-turn",
    "Softphone": "patter-softphone",
    "SoftphoneCall": "patter-softphone",
    "SoftphoneCarrier": "patter-softphone",
    "TTSSuite": "patter-testing",
    "Telnyx": "patter-telnyx",
    "TransfersSuite": "patter-testing",
    "TunnelSuite": "patter-testing",
    "TurnDetectorSuite": "patter-testing",
    "Twilio": "patter-twilio",
    "VADSuite": "patter-testing",
    "VendorTraits": "patter-testing",
    "VirtualClock": "patter-testing",
    "VirtualLoop": "patter-testing",
    "WebhooksSuite": "patter-testing",
    "WebrtcVAD": "patter-webrtcvad",
    "WhisperSTT": "patter-openai",
}

COMMANDS: dict[str, str] = {
    "demo": "patter-demo",
    "new": "patter-testing",
    "phone": "patter-softphone",
}
# end generated


def moved_class_hint(name: str) -> str | None:
    """What to do about ``from patter import NAME`` when a plugin has that class."""
    distribution = CLASSES.get(name)
    if distribution is None:
        return None
    module = distribution.replace("-", "_")
    return (
        f"{name} needs {distribution}: pip install {distribution}, "
        f"then: from {module} import {name}"
    )
