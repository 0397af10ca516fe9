"""Pages about the calls of a Patter server: who is on the phone, how calls went, what they cost."""

__version__ = "0.1.0"
