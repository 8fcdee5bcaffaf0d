"""Extracts the code that a script needs from a lecture's file."""

from __future__ import annotations

import ast
import inspect
import re

import models.lecture
from models.lecture import Lecture
from models.user_files.parsing import parse
from tui_app.export.relative_imports import absolute_imports


class LectureSource:
    """The code of a lecture's file, without its lesson, hyperparameters and declaration."""

    def __init__(self, lecture: Lecture) -> None:
        text = absolute_imports(lecture.text)
        self._lines = text.split("\n")  # as ast counts lines, not at a form feed or U+2028
        self._tree = parse(text)
        self._declared = {
            keyword.arg: _called(keyword.value)
            for node in self._tree.body
            if _is_declaration(node)
            for keyword in node.value.keywords  # pyright: ignore[reportAttributeAccessIssue]
        }

    def declared(self, name: str) -> str | None:
        """The lecture's expression for `model`, `criterion`, ..., or None."""
        return self._declared.get(name)

    def code(self) -> str:
        """The imports, constants, functions and classes, and what they use of models.lecture."""
        parts, imports = [], []
        for node in self._tree.body:
            if self._is_left_out(node):
                continue
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            (imports if is_import else parts).append(self._source(node))
        text = "\n".join(parts)
        if "activation(" in text:
            parts.insert(0, _activation())
        if "ParameterGroup(" in text:
            parts.insert(0, inspect.getsource(models.lecture.ParameterGroup).rstrip())
            imports.insert(0, "from dataclasses import dataclass")
        body = "\n\n\n".join(parts)
        used = "\n".join(
            filter(None, (_pruned(line, body + self._expressions()) for line in imports))
        )
        return f"{used}\n\n\n{body}" if used else body

    def _expressions(self) -> str:
        names = ("model", "criterion", "optimizer", "parameter_groups", "prepare")
        return " ".join(self._declared.get(name, "") for name in names)

    def _is_left_out(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True  # the lesson
        if isinstance(node, ast.ImportFrom):
            return node.module in ("models.lecture", "__future__")
        if isinstance(node, ast.ClassDef):  # the script has their values instead
            return any("Hyperparameters" in ast.unparse(base) for base in node.bases)
        return _is_declaration(node)

    def _source(self, node: ast.stmt) -> str:
        if self._shares_line(node):
            return ast.unparse(node)
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        comments = first - 1
        while comments and self._lines[comments - 1].startswith("#"):
            comments -= 1
        return "\n".join(self._lines[comments : node.end_lineno])

    def _shares_line(self, node: ast.stmt) -> bool:
        """Whether one of its lines holds another statement too, after a semicolon."""
        return any(
            other is not node
            and other.lineno <= (node.end_lineno or node.lineno)
            and (other.end_lineno or other.lineno) >= node.lineno
            for other in self._tree.body
        )


def _called(node: ast.expr) -> str:
    """The expression, in parentheses if a call needs them."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Name | ast.Attribute | ast.Call) else f"({text})"


def _is_declaration(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and any(isinstance(name, ast.Name) and name.id == "LECTURE" for name in node.targets)
    )


def _activation() -> str:
    return (
        inspect.getsource(models.lecture.activation)
        .replace("    from torch import nn\n\n", "")
        .rstrip()
    )


def _pruned(line: str, body: str) -> str:
    """The import line without unused names; empty if the script imports them anyway."""
    if line in ("import torch", "from torch import nn"):
        return ""
    match = re.fullmatch(r"from (\S+) import (.+)", line)
    if match is None:
        return line
    names = [name for name in match[2].split(", ") if _is_used(name, body)]
    names = [name for name in names if not (match[1] == "torch" and name == "nn")]
    return f"from {match[1]} import {', '.join(names)}" if names else ""


def _is_used(name: str, body: str) -> bool:
    """Whether the body uses the name that an import (`name` or `name as other`) binds."""
    bound = name.split(" as ")[-1].strip()
    return bound == "*" or bool(re.search(rf"\b{re.escape(bound)}\b", body))
