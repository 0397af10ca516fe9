"""Reading options, from Python or from the text of a spec string; and writing them in a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.carriers.endpoint import endpoint
from patter.env import credential
from patter.errors import PatterConfigError

API = "https://api.deepgram.com"
Query: TypeAlias = list[tuple[str, str]]
_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}
_NONE = ("", "none", "off", "false")


def key_field(owner: str) -> Any:
    """The field of *owner* that has the key: as given, else from the environment."""

    def read(explicit: str | None) -> str:
        return credential(owner, "api_key", explicit, "DEEPGRAM_API_KEY")

    return attrs.field(
        default=None, converter=read, repr=False, metadata={"env": "DEEPGRAM_API_KEY"}
    )


def address_field(owner: str) -> Any:
    """The field of *owner* that says where Deepgram is: https, or this machine."""
    return attrs.field(default=API, converter=lambda url: endpoint(owner, url or API))


def switch(default: bool | None = False) -> Any:
    """A field that is true or false; with None as its default, Deepgram decides."""
    optional = attrs.converters.optional(attrs.converters.to_bool)
    return attrs.field(default=default, converter=optional)


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """Several texts; in a spec string they have commas between them.

    >>> texts("basil, oregano"), texts(["one, two"]), texts("")
    (('basil', 'oregano'), ('one, two',), ())
    """
    if isinstance(value, str):
        value = value.split(",")
    return tuple(text for each in value if (text := each.strip()))


def number(
    default: float | None,
    least: float,
    most: float,
    *,
    whole: bool = False,
    step: float = 0.0,
) -> Any:
    """A field that is a number from *least* to *most*, in *step*s; where its default is None or
    `may_be_off`, it may be None, too, which a spec string calls "none", "off" or "false".
    """
    return _number(default, least, most, whole, step, off=default is None)


def may_be_off(default: float, least: float, most: float) -> Any:
    """A field that is a whole number from *least* to *most*, or None: without."""
    return _number(default, least, most, whole=True, step=0.0, off=True)


def _number(
    default: float | None, least: float, most: float, whole: bool, step: float, *, off: bool
) -> Any:
    read: Callable[[Any], float] = int if whole else float

    def convert(value: Any) -> float | None:
        without = value is None or value is False or str(value).strip().lower() in _NONE
        return None if off and without else read(value)

    def check(owner: object, field: attrs.Attribute[Any], value: float | None) -> None:
        if value is None:
            return
        steps = value / step if step else 0.0
        if not (least <= value <= most and abs(steps - round(steps)) < 1e-6):
            raise PatterConfigError(
                f"{field.name} of {type(owner).__name__} is {value:g}",
                fix=f"give {least:g} to {most:g}" + (f" in steps of {step:g}" if step else ""),
            )

    return attrs.field(default=default, converter=convert, validator=check)


def encoded(audio: AudioFormat) -> dict[str, object]:
    """How Deepgram calls the format *audio*."""
    return {"encoding": _ENCODINGS[audio.encoding], "sample_rate": audio.rate_hz}


def query(options: Mapping[str, object]) -> Query:
    """*options* as Deepgram reads them: None left out, several values by repeating the name.

    >>> query({"model": "nova-3", "tag": ("a", "b"), "diarize": None, "numerals": True})
    [('model', 'nova-3'), ('tag', 'a'), ('tag', 'b'), ('numerals', 'true')]
    """
    return [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in options.items()
        if value is not None
        for each in (value if isinstance(value, tuple) else (value,))
    ]
