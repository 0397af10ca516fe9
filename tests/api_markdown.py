"""Markdown for one name of the API: signature, docstring, fields, methods. Nothing is run.

Annotations are printed as they stand in the source, so the text is the same on every Python.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import attrs

WIDTH = 96
_LITERALS = (bool, int, float, str, bytes, tuple, list, dict, frozenset, type(None))
_RULER = re.compile(r"^=+(?: =+)*$", re.MULTILINE)
_DOUBLE_TICKS = re.compile(r"``(.+?)``", re.DOTALL)
_CODE = re.compile(r"(`[^`]*`)")
_WORD = re.compile(r"\b[A-Z]\w+\b")
Anchors = Mapping[str, str]
"""The anchor of each class of error, by its name."""


def entry(name: str, thing: Any, anchor: str, anchors: Anchors) -> str:
    """Everything about *thing*, which readers call *name*."""
    parts = [f'<a id="{anchor}"></a>\n\n### `{name}`']
    if inspect.isclass(thing):
        parts += _class_parts(name, thing, anchors)
    elif inspect.isroutine(thing):
        parts += _function_parts(name, thing, anchors)
    else:
        value = "" if str(thing).startswith("<") else f": `{thing}`"
        parts.append(f"Of type `{type(thing).__name__}`{value}.")
    return "\n\n".join(filter(None, parts)) + "\n"


def prose(text: str, anchors: Anchors) -> str:
    """A docstring as Markdown: examples and tables in fences, errors with links."""
    return "\n\n".join(_blocks(inspect.cleandoc(text), anchors))


def annotation(hint: Any) -> str:
    """A type as its module wrote it."""
    if hint is inspect.Parameter.empty or hint is None:
        return "" if hint is inspect.Parameter.empty else "None"
    if forward := getattr(hint, "__forward_arg__", ""):
        return str(forward)
    return hint if isinstance(hint, str) else getattr(hint, "__name__", str(hint))


def default(value: Any) -> str:
    """A default as one would write it; no address, no path."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, _LITERALS):
        return repr(value)
    if inspect.isclass(value) or inspect.isroutine(value):
        return value.__name__ if value.__name__ != "<lambda>" else "..."
    return f"{type(value).__name__}(...)"


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; its cells may hold ``|``."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


# --- functions


def _function_parts(name: str, function: Any, anchors: Anchors) -> Iterator[str]:
    overloads = typing.get_overloads(function) or [function]
    # Not "python": what is fenced so is run as an example.
    yield "\n".join(["```py", *(signature(name, each) for each in overloads), "```"])
    yield prose(function.__doc__ or "", anchors)


def signature(name: str, function: Callable[..., Any], *, bound: bool = False) -> str:
    """How *function* is called, on one line or with a parameter a line."""
    found = inspect.signature(function)
    parameters = list(found.parameters.values())[1 if bound else 0 :]
    words = list(_parameters(parameters))
    result = annotation(found.return_annotation)
    arrow = f" -> {result}" if result else ""
    head = "async def " if inspect.iscoroutinefunction(function) else ""
    line = f"{head}{name}({', '.join(words)}){arrow}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{head}{name}(", *(f"    {word}," for word in words), f"){arrow}"])


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    star = slash = False
    for each in parameters:
        if slash and each.kind is not each.POSITIONAL_ONLY:
            yield "/"
        slash = each.kind is each.POSITIONAL_ONLY
        if each.kind is each.KEYWORD_ONLY and not star:
            yield "*"
        star = star or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        yield _parameter(each)
    if slash:
        yield "/"


def _parameter(each: inspect.Parameter) -> str:
    stars = "**" if each.kind is each.VAR_KEYWORD else "*" * (each.kind is each.VAR_POSITIONAL)
    hint = annotation(each.annotation)
    text = f"{stars}{each.name}" + (f": {hint}" if hint else "")
    if each.default is each.empty:
        return text
    return f"{text} = {default(each.default)}" if hint else f"{text}={default(each.default)}"


# --- classes


def _class_parts(name: str, cls: type, anchors: Anchors) -> Iterator[str]:
    protocol = bool(getattr(cls, "_is_protocol", False))
    bases = ", ".join(f"`{base}`" for base in _bases(cls))
    if protocol:
        yield "A protocol: any object with these names conforms."
    yield f"Derived from {bases}." if bases else ""
    if "__init__" in vars(cls) and not attrs.has(cls) and not protocol:
        constructor = inspect.getattr_static(cls, "__init__")
        yield "\n".join(["```py", signature(name, constructor, bound=True), "```"])
    yield prose(vars(cls).get("__doc__") or "", anchors)
    yield _fields(cls)
    yield _methods(cls, anchors)


def _bases(cls: type) -> Iterator[str]:
    plain = {"object", "Generic", "Protocol", "StrEnum", "Enum", "IntEnum"}
    yield from (base.__name__ for base in cls.__bases__ if base.__name__ not in plain)


def _fields(cls: type) -> str:
    """A table of what an object of *cls* holds, with the docstrings below its fields."""
    if issubclass(cls, enum.Enum):
        members = [(f"`{each.name}`", f"`{each.value!r}`") for each in cls]
        return _with_docs(("member", "value"), members, cls)
    if attrs.has(cls):
        shown = [each for each in attrs.fields(cls) if each.init or not each.name.startswith("_")]
        return _with_docs(("field", "type", "default"), [_field(each) for each in shown], cls)
    hints = vars(cls).get("__annotations__", {})
    rows = [
        (f"`{name}`", f"`{annotation(hint)}`", _class_default(cls, name))
        for name, hint in hints.items()
        if not name.startswith("_")
    ]
    return _with_docs(("attribute", "type", "default"), rows, cls)


def _with_docs(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], cls: type) -> str:
    docs = field_docs(cls)
    if not rows or not docs:
        return table(heads, rows) if rows else ""
    full = [(*row, docs.get(row[0].strip("`"), "")) for row in rows]
    return table((*heads, "meaning"), full)


def field_docs(cls: type) -> Mapping[str, str]:
    """The docstrings that stand below the fields of *cls*, on one line each."""
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        return {}
    (body,) = (node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    docs = {}
    for field, below in pairwise(body):
        name = _target(field)
        if name and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[name] = _DOUBLE_TICKS.sub(r"`\1`", " ".join(str(below.value.value).split()))
    return docs


def _target(node: ast.stmt) -> str:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return targets[0].id if isinstance(targets[0], ast.Name) else ""


def _class_default(cls: type, name: str) -> str:
    value = vars(cls).get(name, attrs.NOTHING)
    # A Struct has a descriptor there, which says nothing of its default.
    if value is attrs.NOTHING or inspect.isdatadescriptor(value):
        return "" if hasattr(cls, "__struct_fields__") else "required"
    return f"`{default(value)}`"


def _field(each: Any) -> tuple[str, str, str]:
    name = each.alias if each.init else each.name
    return f"`{name}`", f"`{annotation(each.type)}`", _field_default(each)


def _field_default(each: Any) -> str:
    if not each.init:
        return "not an argument"
    if each.default is attrs.NOTHING:
        return "required"
    value = each.default
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        if value.takes_self:
            return "from the other fields"
        made = value.factory()
        if made != value.factory():
            return "made anew"
        return f"`{made!r}`" if isinstance(made, _LITERALS) else f"`{type(made).__name__}()`"
    return f"`{default(value)}`"


def _methods(cls: type, anchors: Anchors) -> str:
    rows = [text for name, thing in vars(cls).items() if (text := _method(name, thing, anchors))]
    return "\n".join(rows)


def _method(name: str, thing: Any, anchors: Anchors) -> str:
    if name.startswith(("_", "test_")):
        return ""
    if isinstance(thing, property):
        hint = annotation(inspect.signature(thing.fget).return_annotation)  # type: ignore[arg-type]
        return _item(f"{name}: {hint}", thing, anchors)
    function = thing.__func__ if isinstance(thing, classmethod | staticmethod) else thing
    if not inspect.isfunction(function):
        return ""
    bound = not isinstance(thing, staticmethod)
    return _item(" ".join(signature(name, function, bound=bound).split()), function, anchors)


def _item(head: str, thing: Any, anchors: Anchors) -> str:
    # Not `inspect.getdoc`: what is inherited from Python says another thing on another Python.
    text = prose(thing.__doc__ or "", anchors)
    head = head.replace("( ", "(").replace(", )", ")")
    return f"- `{head}`\n" + (f"\n{textwrap.indent(text, '  ')}\n" if text else "")


# --- docstrings


def _blocks(text: str, anchors: Anchors) -> Iterator[str]:
    words, literal, rest = text.partition("::\n\n")
    for paragraph in re.split(r"\n\s*\n", words + literal[:1]):
        if paragraph:
            yield _paragraph(paragraph, anchors)
    if literal:
        # Where nothing follows the example, `cleandoc` has taken its indentation away.
        code, _, after = rest.partition("\n\n") if rest.startswith(" ") else (rest, "", "")
        yield f"```py\n{textwrap.dedent(code)}\n```"
        yield from _blocks(after, anchors)


def _paragraph(text: str, anchors: Anchors) -> str:
    if text.startswith(">>> "):
        return f"```pycon\n{text}\n```"
    if _RULER.search(text) or re.match(r"\w+:\n\s", text):
        return f"```text\n{text}\n```"
    pieces = _CODE.split(_DOUBLE_TICKS.sub(r"`\1`", text))
    return "".join(each if each.startswith("`") else _linked(each, anchors) for each in pieces)


def _linked(text: str, anchors: Anchors) -> str:
    """*text* with a link at each error it names."""

    def link(word: re.Match[str]) -> str:
        return f"[`{word[0]}`](#{anchors[word[0]]})" if word[0] in anchors else word[0]

    return _WORD.sub(link, text)
