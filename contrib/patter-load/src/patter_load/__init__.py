"""Callers in real time, for as many calls as a machine may have to carry."""

__version__ = "0.1.0"
