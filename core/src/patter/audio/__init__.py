"""Telephone audio: formats, G.711, resampling, mixing, and the cheapest way between two ends."""
