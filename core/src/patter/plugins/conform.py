"""Has this object what its kind needs? Asked once when an agent is built, never in a call.

Written by hand because a runtime-checkable Protocol cannot say *which* member is missing.
"""

from __future__ import annotations

from patter.errors import PatterConfigError

VALUES: dict[str, tuple[str, ...]] = {
    "carrier": ("name", "account", "formats", "can"),
    "stt": ("accepts",),
    "tts": ("produces",),
    "llm": (),
    "vad": ("accepts", "tail_ms"),
    "engine": ("accepts", "produces", "can"),
    "tunnel": (),
    "guardrail": ("name",),
    "turn_detector": ("accepts", "window_ms", "threshold"),
    "audio_filter": ("accepts",),
}
METHODS: dict[str, tuple[str, ...]] = {
    "carrier": ("open",),
    "stt": ("open",),
    "tts": ("open",),
    "llm": ("stream",),
    "vad": ("start",),
    "engine": ("open",),
    "tunnel": ("open",),
    "guardrail": ("check",),
    "turn_detector": ("predict",),
    "audio_filter": ("start",),
}


def missing(kind: str, thing: object) -> list[str]:
    """The members a *kind* must have and *thing* has not, in the contract's order."""
    absent = [name for name in VALUES[kind] if not hasattr(thing, name)]
    return absent + [name for name in METHODS[kind] if not callable(getattr(thing, name, None))]


def check(kind: str, thing: object) -> None:
    """Raise PatterConfigError naming what *thing* lacks to be used as *kind*."""
    if isinstance(thing, type):
        raise PatterConfigError(
            f"{kind} is given the class {thing.__name__}, not one of its objects",
            fix=f"write {kind}={thing.__name__}(...)",
        )
    if absent := missing(kind, thing):
        names = ", ".join(repr(name) for name in absent)
        raise PatterConfigError(
            f"{type(thing).__name__} cannot be the {kind}: it has no {names}",
            fix=f"pass a spec string or an object like those in patter.providers.{kind}",
        )
