"""One rule of a model made of rules: a pattern, and what is said or done when it is found."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

import attrs

from patter.errors import PatterConfigError

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen", "twenty"),
)
ALWAYS = frozenset({"message"})


class _Text(str):
    """A value for a template; ``{name:words}`` writes small numbers out: R-17, R seventeen."""

    def __format__(self, spec: str) -> str:
        if spec != "words":
            return super().__format__(spec)
        spaced = " ".join(re.findall(r"\d+|[^\W\d_]+", self))
        return re.sub(r"\d+", lambda match: _number_word(match.group()), spaced)


@attrs.frozen
class Rule:
    """What to do when *pattern* is found in the caller's last words, in any letter case.

    *say* is spoken at once; then *tool* is called with *arguments*, and *then* is spoken with
    its result. All texts are templates: ``{message}`` is what the caller said, ``{NAME}`` a
    named group of the pattern, and in *then* ``{result}`` the tool's; ``{NAME:words}`` writes
    small numbers out. An argument that comes out as a number, in digits or as a word up to
    twenty, is passed as an integer. A tool that the agent does not have is not called.
    Raises PatterConfigError for a pattern or template that cannot work.
    """

    pattern: str
    say: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    then: str = ""

    def __attrs_post_init__(self) -> None:
        try:
            groups = frozenset(re.compile(self.pattern).groupindex)
        except (re.error, TypeError) as exc:
            raise PatterConfigError(
                f"{self.pattern!r} is not a regular expression: {exc}", fix="correct the rule"
            ) from exc
        names = groups | ALWAYS
        texts = [self.say, *(each for each in self.arguments.values() if isinstance(each, str))]
        for template in texts:
            check_template(template, names)
        check_template(self.then, names | {"result"})

    def match(self, message: str) -> dict[str, str] | None:
        """The values for the templates, or None if the pattern is not in *message*."""
        match = re.search(self.pattern, message, re.IGNORECASE)
        if match is None:
            return None
        groups = {name: value or "" for name, value in match.groupdict().items()}
        return {"message": message, **groups}

    def written(self, values: Mapping[str, str]) -> str:
        """The tool's arguments as JSON."""
        arguments = {
            name: _number(filled(value, values)) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }
        return json.dumps(arguments)


def filled(template: str, values: Mapping[str, str]) -> str:
    """*template* with *values* in it."""
    return template.format_map({name: _Text(value) for name, value in values.items()})


def _number(text: str) -> str | int:
    if text.lower() in NUMBERS:
        return NUMBERS.index(text.lower())
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _number_word(digits: str) -> str:
    return NUMBERS[int(digits)] if len(digits) < 3 and int(digits) < len(NUMBERS) else digits


def check_template(template: object, allowed: frozenset[str]) -> None:
    """Raise PatterConfigError for a template that cannot be filled with *allowed* names."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(str(template)) if name is not None]
    except ValueError as exc:
        raise PatterConfigError(
            f"{template!r} is not a template: {exc}", fix="write {NAME}, and {{ for a brace"
        ) from exc
    for name in names:
        if name not in allowed:
            raise PatterConfigError(
                f"{template!r} uses {{{name}}}, which nothing fills in",
                fix=f"name a group of the pattern (?P<{name}>...), or use one of "
                + ", ".join(sorted(allowed)),
            )
