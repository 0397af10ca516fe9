"""Asking language models: tool rounds and fallback."""
