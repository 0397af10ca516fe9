"""Fills ``{name}`` in prompts and greetings, once, with values that are data and nothing more.

A value is never looked at again, so one that contains ``{other}`` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{([^{}\n]{1,100})\}")
# Longer than any name or address; a value is part of the prompt and paid for in every turn.
_MOST = 500


def fill(template: str, variables: Mapping[str, object]) -> str:
    """Put the values of *variables* in their places; leave unknown names standing.

    >>> fill("Hello {name}, {later}", {"name": "Ada {x}"})
    'Hello Ada {x}, {later}'
    """

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        return str(variables[name]) if name in variables else match[0]

    return _PLACE.sub(value, template)


def clean(value: object, most: int = _MOST) -> str:
    """A value from outside on one line, without control characters, at most *most* long.

    Line breaks and tabs become spaces; what is invisible or reorders text (Unicode categories
    Cc, Cf, Cs, Zl, Zp) is dropped, so a value cannot pretend to be a line of the prompt.
    """
    # Cut before and after: the first bounds the work on a hostile value, spaces removed.
    seen = "".join(filter(_is_seen, str(value)[: most * 4]))
    return " ".join(seen.split())[:most].rstrip()


def clean_all(values: Mapping[str, object]) -> dict[str, str]:
    """Every value of *values* cleaned; names that no placeholder can have are dropped."""
    named = ((str(name).strip(), value) for name, value in values.items())
    return {name: clean(value) for name, value in named if _PLACE.fullmatch(f"{{{name}}}")}


def _is_seen(char: str) -> bool:
    return char.isspace() or char.isprintable()
