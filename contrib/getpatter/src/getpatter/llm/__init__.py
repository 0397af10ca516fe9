"""Language models: the class `LLM` of each module."""

from getpatter.lazily import modules

__all__ = ["anthropic", "cerebras", "google", "groq", "openai", "openai_compatible"]

__getattr__ = modules(__name__, __all__)
