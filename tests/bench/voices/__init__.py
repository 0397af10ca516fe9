"""Voices and noises on the telephone: what do the detectors and the turn engine make of them?

Whole calls in virtual time, with the real detectors, engine and session. The clips are made by
a script from seeds, so they may be shipped; recordings are used where a folder holds them.
"""
