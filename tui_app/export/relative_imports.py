"""Makes the relative imports of a user's file absolute, since a script is in no package."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from models.user_files.parsing import parse
from models.user_files.source import RESERVED


def dotted(parts: Sequence[str]) -> str:
    """The name by which a script imports the local module whose path has these `parts`.

    A file named like an installed package gets another name, so that the script's `import torch`
    imports torch. Only relative imports, which are rewritten, refer to such a file.
    """
    first, *others = parts
    return ".".join([f"local_{first}" if first in RESERVED else first, *others])


def absolute_imports(text: str, package: Sequence[str] = ()) -> str:
    """The module's text with absolute imports; `package` is the local package that it belongs to.

    Raises SyntaxError.
    """
    lines = text.encode().split(b"\n")
    nodes = [node for node in ast.walk(parse(text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if not 0 < node.level <= len(package) + 1 or node.end_lineno is None:
            continue
        first, last = node.lineno - 1, node.end_lineno - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        lines[first : last + 1] = [before + _absolute(node, package).encode() + after]
    return b"\n".join(lines).decode()


def _absolute(node: ast.ImportFrom, package: Sequence[str]) -> str:
    within = [*package[: len(package) + 1 - node.level]]
    within += node.module.split(".") if node.module else []
    if within:
        return ast.unparse(ast.ImportFrom(dotted(within), node.names, 0))
    modules = [ast.alias(dotted([name.name]), name.asname or name.name) for name in node.names]
    return ast.unparse(ast.Import(modules))
