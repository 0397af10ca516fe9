"""Which distribution offers which first-party provider: data only, no vendor logic.

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
    ("llm", "rules"): "patter-demo",
    ("stt", "pocketsphinx"): "patter-pocketsphinx",
    ("tts", "espeak"): "patter-espeak",
    ("tunnel", "cloudflare"): "patter-cloudflare",
    ("tunnel", "default"): "patter-cloudflare",
    ("tunnel", "ngrok"): "patter-ngrok",
    ("vad", "silero"): "patter-silero",
    ("vad", "webrtcvad"): "patter-webrtcvad",
}

CLASSES: dict[str, str] = {
    "CloudflareTunnel": "patter-cloudflare",
    "EspeakTTS": "patter-espeak",
    "Faults": "patter-softphone",
    "Grammar": "patter-pocketsphinx",
    "Ngrok": "patter-ngrok",
    "Plivo": "patter-plivo",
    "PocketsphinxSTT": "patter-pocketsphinx",
    "Rule": "patter-demo",
    "RulesLLM": "patter-demo",
    "SileroVAD": "patter-silero",
    "Softphone": "patter-softphone",
    "SoftphoneCall": "patter-softphone",
    "SoftphoneCarrier": "patter-softphone",
    "Telnyx": "patter-telnyx",
    "Twilio": "patter-twilio",
    "WebrtcVAD": "patter-webrtcvad",
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
