"""What the documents' tables and declarations say is what the code has; deviations are listed."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import attrs
import pytest

import getpatter
from patter import env
from patter.errors import ErrorCode

from .documents import CONFIGURATION, DECLARED, REFERENCE, Block, blocks, lines

Parameters = dict[str, Any]
REQUIRED = inspect.Parameter.empty
NOTHING = None
"""None, an empty text and an empty tuple are all nothing."""

METHODS = {"agent", "serve", "call", "test", "disconnect"}
OWN_DEFAULT = "empty is the own default of the engine, the voice or the model in use"
DEVIATIONS = {
    "agent.voice": OWN_DEFAULT,
    "agent.model": OWN_DEFAULT,
    "Agent.voice": OWN_DEFAULT,
    "Agent.model": OWN_DEFAULT,
    "OpenAIRealtime.model": "the vendor put gpt-realtime-mini in place of its preview",
}
"""Parameters whose default is not the documented one."""

KEYWORDS_ONLY = {
    "Agent": "an agent has some fifty fields: each is written with its name",
}
"""What takes fewer arguments by position than is documented."""

VALUES = {"TWILIO_ACCOUNT_SID": f"AC{'0' * 32}", "TELNYX_PUBLIC_KEY": f"{'A' * 43}="}
"""Where not anything is a credential."""


@attrs.frozen
class Declaration:
    """Something a document declares, with its parameters: their defaults, or REQUIRED."""

    name: str
    parameters: Parameters

    def __str__(self) -> str:
        return self.name


def declarations() -> list[Declaration]:
    return [declared(block) for block in blocks(DECLARED) if block.first != 276]


def declared(block: Block) -> Declaration:
    """What *block* declares: a class by its fields, a function, or a call with types in it."""
    code = block.code
    if code.startswith("Patter("):
        code = f"def {code}"
    (node,) = ast.parse(f"{code}: ..." if "def " in code else code).body
    if isinstance(node, ast.ClassDef):
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        return Declaration(node.name, {ast.unparse(f.target): literal(f.value) for f in fields})
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    words = node.args.args
    defaults = [None] * (len(words) - len(node.args.defaults)) + [*node.args.defaults]
    named = zip(words, defaults, strict=True)
    return Declaration(node.name, {word.arg: literal(default) for word, default in named})


def literal(node: ast.expr | None) -> Any:
    return REQUIRED if node is None else ast.literal_eval(node)


def signature(name: str) -> inspect.Signature:
    if name in METHODS:
        whole = inspect.signature(getattr(getpatter.Patter, name))
        return whole.replace(parameters=list(whole.parameters.values())[1:])
    return inspect.signature(getattr(getpatter, name))


def plain(default: Any) -> Any:
    """*default*, all that is nothing being the same."""
    return NOTHING if default in ("", ()) or default is attrs.NOTHING else default


def rows(document: str, heading: str) -> list[str]:
    """The rows of each table below a line *heading*, in a row of the page each."""
    text = lines(document)
    found = []
    for at in (number for number, line in enumerate(text) if line == heading):
        found += text[at + 1 : text.index("", at)]
    return found


@pytest.mark.parametrize("declaration", declarations(), ids=str)
def test_a_declaration_is_that_of_the_code(declaration: Declaration) -> None:
    ours = signature(declaration.name).parameters
    for name, default in declaration.parameters.items():
        if declaration.name == "Agent" and name == "provider":
            default = NOTHING  # the page says that it is derived
        assert name in ours, name
        is_ours = plain(ours[name].default) == plain(default)
        assert is_ours is not (f"{declaration.name}.{name}" in DEVIATIONS), name


@pytest.mark.parametrize("declaration", declarations(), ids=str)
def test_arguments_by_position_are_those_of_the_documents(declaration: Declaration) -> None:
    by_position = [
        name
        for name, each in signature(declaration.name).parameters.items()
        if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    documented = [*declaration.parameters]
    if declaration.name in KEYWORDS_ONLY:
        documented = []
    assert by_position[: len(documented)] == documented


@pytest.mark.parametrize("document", [REFERENCE, CONFIGURATION])
def test_the_rows_of_the_tables_are_parameters(document: str) -> None:
    known = {*signature("Patter").parameters, *signature("agent").parameters}
    table = rows(document, "ParameterTypeDefaultDescription")
    assert len(table) == {REFERENCE: 26, CONFIGURATION: 6}[document]
    unknown = [row for row in table if not any(map(row.startswith, known))]
    assert [row[:7] for row in unknown] == ["Raises:"][: len(table) > 6]


def test_what_only_the_page_on_settings_has_is_a_parameter_of_the_phone() -> None:
    assert rows(CONFIGURATION, "ParameterTypeDefaultDescription")[-1].startswith("persist")
    assert [*signature("Patter").parameters][:6][-1] == "persist"
    assert signature("Patter").parameters["persist"].default is None


def test_every_tunnel_of_the_table_is_made_as_it_is_written_there() -> None:
    table = rows(REFERENCE, "ClassBehavior")[:3]
    made = []
    for row in table:
        name, _, arguments = row.partition("(")
        place = ["phone.example.com"] if arguments.startswith("hostname=") else []
        made.append(getattr(getpatter, name)(*place))
    assert [type(each).__name__ for each in made] == ["CloudflareTunnel", "StaticTunnel", "Ngrok"]
    assert made[1].hostname == made[2].hostname == "phone.example.com"


def test_every_function_of_the_table_takes_what_is_written_there() -> None:
    table = rows(REFERENCE, "HelperPurpose")
    heads = [re.match(r"\w+\(.*?\) -> (Path|str|bytes)", row) for row in table]
    for head in filter(None, heads):
        (node,) = ast.parse(f"def {head[0]}: ...").body
        assert isinstance(node, ast.FunctionDef)
        documented = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
        assert [*signature(node.name).parameters] == documented
    assert len(table) == len([*filter(None, heads)]) == 3


def test_a_call_can_be_controlled_as_documented() -> None:
    (block,) = (each for each in blocks(DECLARED) if each.first == 276)
    (node,) = ast.parse(block.code).body
    assert isinstance(node, ast.ClassDef)
    control = getpatter.CallControl
    for each in node.body:
        if isinstance(each, ast.AsyncFunctionDef):
            method = getattr(control, each.name)
            assert inspect.iscoroutinefunction(method)
            inspect.signature(method).bind(control, *[None for _ in each.args.args])
        else:
            assert isinstance(each, ast.AnnAssign)
            assert isinstance(getattr(control, ast.unparse(each.target)), property)


def test_exceptions_descend_as_drawn() -> None:
    tree = lines(REFERENCE)[290:295]
    above: dict[int, type] = {}
    for line in tree:
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        kind = getattr(getpatter, line.lstrip("│├└─ "))
        assert depth == 0 or issubclass(kind, above[depth - 1])
        above[depth] = kind
    assert len(tree) == 5


def test_every_code_of_the_table_is_an_error_code_that_equals_its_name() -> None:
    table = rows(REFERENCE, "CodeRaised when")[:-1]
    codes = [match[1] for row in table if (match := re.match(r"([A-Z_]+)(?=[A-Z][a-z])", row))]
    assert len(codes) == 10
    assert all(ErrorCode[code] == code for code in codes)


def test_every_class_of_the_table_reads_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    for row in rows(CONFIGURATION, "Env varUsed by"):
        head, *more = re.split(r"\(\)(?:, | \(Python only\))?", row)
        first, variables = split(head)
        for name in (first, *filter(None, more)):
            with monkeypatch.context() as patch:
                for variable in variables:
                    patch.delenv(variable, raising=False)
                with pytest.raises(ValueError, match="|".join(variables)):
                    getattr(getpatter, name)()
                for variable in variables:
                    patch.setenv(variable, VALUES.get(variable, "key"))
                getattr(getpatter, name)()
                made += 1
    assert made == 15


def split(head: str) -> tuple[str, list[str]]:
    """The class at the end of *head*, and the variables before it."""
    name = max((each for each in getpatter.__all__ if head.endswith(each)), key=len)
    variables = re.findall(r"[A-Z][A-Z0-9_]+", head.removesuffix(name))
    return name, variables


def test_every_variable_of_the_runtime_is_read() -> None:
    table = rows(CONFIGURATION, "Env varDefaultEffect")
    names = {match[0] for row in table if (match := re.match(r"PATTER_[A-Z_]+", row))}
    assert len(names) == 5
    assert names <= env.VARIABLES
