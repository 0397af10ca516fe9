"""Voices: the class `TTS` of each module."""

from getpatter.lazily import modules

__all__ = [
    "cartesia",
    "elevenlabs",
    "elevenlabs_rest",
    "elevenlabs_ws",
    "lmnt",
    "openai",
    "rime",
]

__getattr__ = modules(__name__, __all__)
