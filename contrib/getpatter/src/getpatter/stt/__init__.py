"""Recognisers: the class `STT` of each module."""

from getpatter.lazily import modules

__all__ = [
    "assemblyai",
    "cartesia",
    "deepgram",
    "openai_transcribe",
    "soniox",
    "speechmatics",
    "whisper",
]

__getattr__ = modules(__name__, __all__)
