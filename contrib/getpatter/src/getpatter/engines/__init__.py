"""Engines, which hear, think and speak: `openai.Realtime`, `elevenlabs.ConvAI`."""

from getpatter.lazily import modules

__all__ = ["elevenlabs", "openai"]

__getattr__ = modules(__name__, __all__)
