"""Provider strings: ``provider[/model][?option=value&...]``, read, written and built.

Specs end up in logs and records, so a secret can never be part of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode

import attrs

from patter.errors import PatterError, SpecError, nearest

T = TypeVar("T", bound=attrs.AttrsInstance)
_BOOLEAN = {"bool", "bool|None", "None|bool", "Optional[bool]"}
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")


def _check_provider(_: object, __: object, name: str) -> None:
    if not _NAME.match(name):
        raise SpecError(
            f"{name!r} is not a valid provider name",
            fix=_written_right(name) or "write provider/model, for example 'deepgram/nova-3'",
        )


def _written_right(name: str) -> str:
    """The fix for a name that is only not written as names are; empty where it is another."""
    right = re.sub(r"[\s_]+", "-", name.strip().lower())
    return f"write {right!r}: names are lower case" if _NAME.match(right) else ""


def _check_model(_: object, __: object, model: str | None) -> None:
    if model == "":
        raise SpecError(
            "a spec string with '/' names a model, this one does not",
            fix="write provider/model, or the provider alone",
        )


def _copied(options: Mapping[str, str]) -> dict[str, str]:
    return dict(options)


@attrs.frozen
class ProviderSpec:
    """A provider, the model it should use, and its options; `str` prints what `parse` reads.

    *kind* is what it was asked for (``stt``, ``tts``, ...); it only makes errors clearer.
    *secrets* are options that no string can have, and none is printed with.

    >>> str(ProviderSpec.parse("deepgram/nova-3?language=de"))
    'deepgram/nova-3?language=de'
    """

    provider: str = attrs.field(validator=_check_provider)
    model: str | None = attrs.field(default=None, validator=_check_model)
    options: Mapping[str, str] = attrs.field(factory=dict, converter=_copied, hash=False)
    kind: str = attrs.field(default="", eq=False, kw_only=True)
    secrets: Mapping[str, str] = attrs.field(
        factory=dict, converter=_copied, repr=False, hash=False, kw_only=True
    )

    @classmethod
    def parse(cls, text: str, kind: str = "") -> ProviderSpec:
        """Read a spec string. Raises SpecError, never quoting option values."""
        path, _, query = text.partition("?")
        provider, slash, model = path.partition("/")
        return cls(provider, unquote(model) if slash else None, _options(query), kind=kind)

    def __str__(self) -> str:
        model = (
            "" if self.model is None else "/" + quote(self.model, safe="/:@.-_", errors="replace")
        )
        query = "?" + urlencode(self.options, errors="replace") if self.options else ""
        return f"{self.provider}{model}{query}"

    @property
    def who(self) -> str:
        """How errors call it: ``deepgram stt``."""
        return f"{self.provider} {self.kind}".rstrip()

    def build(self, cls: type[T]) -> T:
        """Construct the attrs class *cls* from the model and options, all given as text.

        Fields with ``repr=False`` are secrets and refused; ``metadata={"env": NAME}`` says
        which variable carries one. A field of type bool that has no converter is read as
        `attrs.converters.to_bool` does. Raises SpecError for anything *cls* cannot take.
        """
        fields = {field.alias: field for field in attrs.fields(cls) if field.init}
        texts = self._texts(fields)
        for name in texts:
            self._check_option(name, fields)
        if unknown := sorted(set(self.secrets) - set(fields)):
            raise SpecError(f"{self.who} has no option {unknown[0]!r}", fix="leave it out")
        self._check_complete(fields, {**texts, **self.secrets})
        values: dict[str, Any] = {
            name: self._value(fields[name], text) for name, text in texts.items()
        }
        values |= self.secrets
        try:
            return cls(**values)
        except (TypeError, ValueError) as exc:
            if isinstance(exc, PatterError):
                raise
            raise self._refused(cls, texts, values, exc) from exc

    def _value(self, field: attrs.Attribute[Any], text: str) -> str | bool:
        """*text*, or the bool that it means: to Python the text "false" would be true."""
        if field.converter is not None or not _is_boolean(field):
            return text
        try:
            return attrs.converters.to_bool(text)
        except ValueError as exc:
            raise self._unusable(field, text, exc) from exc

    def _unusable(self, field: attrs.Attribute[Any], text: str, exc: Exception) -> SpecError:
        name = field.alias
        if _is_boolean(field):
            return SpecError(
                f"{self.who} cannot use {name}={text!r}: it is neither true nor false",
                fix=f"write {name}=true or {name}=false",
            )
        return SpecError(f"{self.who} cannot use {name}={text!r}: {exc}", fix=f"change {name!r}")

    def _texts(self, fields: Mapping[str, Any]) -> dict[str, str]:
        if self.model is None:
            return dict(self.options)
        if "model" in self.options:
            raise SpecError(
                f"{self.who} has two models",
                fix=f"write {self.provider}/MODEL, without ?model=",
            )
        if "model" not in fields:
            raise SpecError(f"{self.who} takes no model", fix=f"write {self.provider!r}")
        return {"model": self.model, **self.options}

    def _check_option(self, name: str, fields: Mapping[str, attrs.Attribute[Any]]) -> None:
        near = name if name in fields else nearest(name, fields)
        if near is not None and not fields[near].repr:
            raise SpecError(
                f"a spec string cannot carry {near!r}",
                fix=f"export {self._variable(fields[near])}",
            )
        if near == name:
            return
        public = [each for each, field in fields.items() if field.repr]
        fix = f"did you mean {near!r}?" if near else f"use one of {', '.join(public) or 'none'}"
        raise SpecError(f"{self.who} has no option {name!r}", fix=fix)

    def _variable(self, field: attrs.Attribute[Any]) -> str:
        """The variable that carries a secret: as declared, else by convention."""
        if declared := field.metadata.get("env"):
            return str(declared)
        return f"{self.provider}_{field.alias}".upper().replace("-", "_")

    def _check_complete(self, fields: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        for name, field in fields.items():
            if field.default is attrs.NOTHING and name not in texts:
                example = "/MODEL" if name == "model" else f"?{name}=..."
                raise SpecError(
                    f"{self.who} needs {name!r}", fix=f"write '{self.provider}{example}'"
                )

    def _refused(
        self, cls: type[T], texts: Mapping[str, str], values: Mapping[str, Any], exc: Exception
    ) -> SpecError:
        """Name the option without which *cls* would have been content."""
        for name in texts:
            try:
                cls(**{key: value for key, value in values.items() if key != name})
            except (TypeError, ValueError):
                continue
            field = next(each for each in attrs.fields(cls) if each.alias == name)
            return self._unusable(field, texts[name], exc)
        return SpecError(f"{self.who} cannot be built: {exc}", fix="change its options")


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecError(f"option {twice!r} is given twice", fix="give it once")
    return options


def _is_boolean(field: attrs.Attribute[Any]) -> bool:
    """Is it declared as a bool, or as one that may be None?"""
    if field.type is bool:
        return True
    return str(field.type).replace(" ", "").removeprefix("typing.") in _BOOLEAN
