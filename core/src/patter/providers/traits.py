"""What a provider may tell of itself beyond its contract, and what holds when it does not.

A provider tells a trait by having an attribute of that name; it need not have any. A kind with
traits of its own has a subclass beside its protocol: the one place of their types and defaults.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, Self, cast, get_args, get_origin, get_type_hints

import attrs

from patter.errors import PatterConfigError, indefinite


@attrs.frozen(kw_only=True)
class ProviderTraits:
    """The traits that every kind knows.

    *name* and *model* are what records and prices call a provider whose spec does not say.
    *hosts* are those it connects to.
    """

    name: str = ""
    model: str = ""
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, provider: object) -> Self:
        """The traits of *provider*; what it lacks, or has as None, has its default.

        Raises PatterConfigError for a value of another type or out of range.
        """
        present: dict[str, Any] = {}
        for name, wanted in _types(cast(Hashable, cls)).items():
            if (value := getattr(provider, name, None)) is not None:
                _check(provider, name, value, wanted)
                present[name] = value
        try:
            return cls(**present)
        except ValueError as exc:
            raise PatterConfigError(
                f"{type(provider).__name__} is out of range: {exc}",
                fix=f"see {cls.__name__} in {cls.__module__}",
            ) from exc


@cache
def _types(traits: Hashable) -> dict[str, Any]:
    return get_type_hints(traits)


def _check(provider: object, name: str, value: object, wanted: Any) -> None:
    """Raise PatterConfigError unless *value* is of the type *wanted*."""
    if get_origin(wanted) is tuple:
        (each,) = set(get_args(wanted)) - {...}
        fits = isinstance(value, tuple | list) and all(isinstance(item, each) for item in value)
    else:
        # True is an int to Python, and a mistake here.
        each = None
        fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    if not fits:
        expected = f"a tuple of {each.__name__} alone" if each else indefinite(wanted.__name__)
        raise PatterConfigError(
            f"{name} of {type(provider).__name__} is {indefinite(type(value).__name__)}, "
            f"not {expected}",
            fix=f"make {name} {expected}",
        )
