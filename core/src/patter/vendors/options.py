"""Fields of a provider's settings, read from Python or from the text of a spec string.

    model: str = "nova-3"
    endpointing_ms: int | None = number(150, 1, 60_000, whole=True, off=True)
    smart_format: bool = switch()
    keyterms: tuple[str, ...] = several()
    api_key: str = key("DEEPGRAM_API_KEY")
    base_url: str = address("https://api.deepgram.com")

A value that makes no sense raises PatterConfigError, which names the field and what fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.carriers.endpoint import endpoint
from patter.env import credential
from patter.errors import PatterConfigError

Query: TypeAlias = list[tuple[str, str]]
_OFF = frozenset({"", "none", "off", "false"})
_ON = frozenset({"true", "t", "yes", "y", "on", "1"})
_NO = frozenset({"false", "f", "no", "n", "off", "0"})


def key(*variables: str) -> Any:
    """The field that has the key: as given, else from the first of *variables* that is set.

    It is in no repr, and `check` and `doctor` know its name.
    """

    def read(value: str | None, owner: object, field: attrs.Attribute[Any]) -> str:
        return credential(type(owner).__name__, field.name, value, *variables)

    return attrs.field(
        default=None,
        converter=attrs.Converter(read, takes_self=True, takes_field=True),
        repr=False,
        metadata={"env": variables[0]},
    )


def address(default: str) -> Any:
    """The field that says where the vendor is: https, or this machine; no slash at its end."""

    def read(value: str | None, owner: object) -> str:
        return endpoint(type(owner).__name__, value or default, "base_url")

    return attrs.field(default=default, converter=attrs.Converter(read, takes_self=True))


def switch(default: bool | None = False, *, optional: bool = False) -> Any:
    """A field that is true or false.

    With *optional*, or where its default is None, None and the empty text leave it to the vendor.
    """
    may_be_none = optional or default is None

    def read(value: Any, owner: object, field: attrs.Attribute[Any]) -> bool | None:
        text = str(value).strip().lower()
        if may_be_none and (value is None or not text):
            return None
        if text in _ON or text in _NO:
            return text in _ON
        raise _misfit(owner, field, value, "true or false")

    return _field(default, read)


def number(
    default: float | None,
    least: float,
    most: float,
    *,
    whole: bool = False,
    step: float = 0.0,
    off: bool = False,
) -> Any:
    """A field that is a number from *least* to *most*, in *step*s.

    With *off*, or where its default is None, it may be None, too, which a spec string calls
    ``none``, ``off`` or ``false``.
    """
    optional = off or default is None
    fits = f"{least:g} to {most:g}" + (f" in steps of {step:g}" if step else "")

    def read(value: Any, owner: object, field: attrs.Attribute[Any]) -> float | None:
        if optional and (value is None or value is False or str(value).strip().lower() in _OFF):
            return None
        try:
            figure = _number(value, whole)
        except (OverflowError, TypeError, ValueError):
            raise _misfit(owner, field, value, fits) from None
        fitting = least <= figure <= most
        steps = figure / step if step and fitting else 0.0
        if not fitting or abs(steps - round(steps)) > 1e-6:
            raise _misfit(owner, field, value, fits)
        return figure

    return _field(default, read)


def choice(default: str | None, *choices: str) -> Any:
    """A field that is one of *choices*, or its default, which the empty text stands for.

    A default of None, or of an empty text, leaves it to the vendor; then None is it, too.
    """

    def read(value: Any, owner: object, field: attrs.Attribute[Any]) -> str | None:
        if value == "" or (value is None and not default):
            return default
        if value in choices:
            return value  # type: ignore[no-any-return]
        raise _misfit(owner, field, value, "one of " + ", ".join(choices))

    return _field(default, read)


def several(*, most: int | None = None, longest: int | None = None) -> Any:
    """A field of several texts; in a spec string they have commas between them."""

    def read(value: Any, owner: object, field: attrs.Attribute[Any]) -> tuple[str, ...]:
        try:
            items = texts(() if value is None else value)
        except TypeError:
            raise _misfit(owner, field, value, "texts") from None
        if most is not None and len(items) > most:
            raise _misfit(owner, field, f"{len(items)} texts", f"at most {most}")
        if longest is not None and any(len(each) > longest for each in items):
            raise _misfit(owner, field, max(items, key=len), f"texts of at most {longest} letters")
        return items

    return _field((), read)


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """Several texts; in one text they have commas between them.

    >>> texts("basil, oregano"), texts(["one, two"]), texts("")
    (('basil', 'oregano'), ('one, two',), ())
    """
    if isinstance(value, str):
        value = value.split(",")
    return tuple(text for each in value if (text := str(each).strip()))


def query(options: Mapping[str, object]) -> Query:
    """*options* as addresses have them: None left out, several values by repeating the name.

    >>> query({"model": "nova-3", "tag": ("a", "b"), "diarize": None, "numerals": True})
    [('model', 'nova-3'), ('tag', 'a'), ('tag', 'b'), ('numerals', 'true')]
    """
    return [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in options.items()
        if value is not None
        for each in (value if isinstance(value, tuple) else (value,))
    ]


def socket_url(base_url: str, path: str) -> str:
    """The address of the WebSocket at *path* of *base_url*.

    >>> socket_url("https://api.deepgram.com", "/v1/listen")
    'wss://api.deepgram.com/v1/listen'
    """
    return f"ws{base_url.removeprefix('http')}{path}"


def _number(value: Any, whole: bool) -> float:
    """*value* as a number, an int if it is to be *whole*. Raises ValueError for what is none."""
    # True is a number to Python, and a mistake here.
    if isinstance(value, bool):
        raise ValueError("a truth value")
    if not whole:
        return float(value)
    # By way of float, a long number such as a seed would become another one.
    if isinstance(value, int) or (isinstance(value, str) and value.strip("+- ").isdecimal()):
        return int(value)
    if not (figure := float(value)).is_integer():
        raise ValueError("a fraction")
    return int(figure)


def _field(default: Any, read: Any) -> Any:
    converter = attrs.Converter(read, takes_self=True, takes_field=True)
    return attrs.field(default=default, converter=converter)


def _misfit(
    owner: object, field: attrs.Attribute[Any], value: object, fits: str
) -> PatterConfigError:
    shown = repr(value)[:60]
    return PatterConfigError(
        f"{field.name} of {type(owner).__name__} is {shown}", fix=f"give {fits}"
    )
