"""The names of ``patter`` itself: sorted, all there, and typed as they are at run time."""

from __future__ import annotations

import ast
from pathlib import Path

import patter


def typed_names() -> set[str]:
    """What a type checker believes can be imported from ``patter``."""
    tree = ast.parse(Path(patter.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for each in imports for alias in each.names}


def test_there_are_at_most_as_many_as_the_documents_have() -> None:
    assert len(patter.__all__) <= 140


def test_each_of_them_is_there() -> None:
    absent = [name for name in patter.__all__ if not hasattr(patter, name)]
    assert absent == []


def test_the_type_checker_knows_the_same() -> None:
    assert typed_names() == set(patter.__all__)


def test_tool_is_the_decorator_and_not_its_module() -> None:
    import patter.tools.tool

    assert callable(patter.tool)
    assert patter.tool is patter.tools.tool.tool
