"""Writes a lecture file for a plain `class Net(nn.Module)`, beside the file that defines it."""

from __future__ import annotations

import ast
import difflib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from datasets.reading.paths import short_path, user_path
from models import LectureError
from models.fields import InvalidValue
from models.lecture import Hyperparameters, Lecture
from models.user_files.parsing import parse
from models.user_files.source import RESERVED

_TEMPLATE = '''\
"""{name} of {file}, with the data and the settings of {base}.

`tutorch --model {file}:{name}` wrote this. It is a lecture like any other: change what you like.
"""

from torch import nn

from models.lecture import DataSpec, Hyperparameters, Lecture
from {module} import {name}


def build(spec: DataSpec, hyperparameters: Hyperparameters) -> nn.Module:
    """The net; `spec` says what the data are like: spec.input_shape, spec.outputs."""
    return {call}


LECTURE = Lecture(
    title="{name} of {file}",
    title_zh="{name} of {file}",
    datasets={datasets},
    model=build,
    criterion={criterion},
    hyperparameters={hyperparameters},
    overrides={overrides},
)
'''

#: The settings that every lecture has.
_COMMON = tuple(field.name for field in fields(Hyperparameters))


@dataclass(frozen=True)
class PlainNet:
    """An nn.Module class in a file; `arguments` are the names of its required arguments."""

    file: Path
    name: str
    arguments: tuple[str, ...]

    @property
    def can_be_built(self) -> bool:
        """Whether tutorch can pass all arguments: none, or those of a lecture's `model`."""
        return self.arguments in ((), ("spec", "hyperparameters"))


def plain_nets(file: Path) -> list[PlainNet]:
    """The nn.Module classes that `file` defines, read without importing it. Raises LectureError."""
    try:
        tree = parse(file.read_bytes(), filename=str(file))  # in the encoding it declares
    except (OSError, SyntaxError, ValueError) as error:
        raise LectureError(f"{file} can't be read as Python: {error}") from error
    return [
        PlainNet(file, node.name, _needed_arguments(node))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).rpartition(".")[2] == "Module" for base in node.bases)
    ]


def _needed_arguments(node: ast.ClassDef) -> tuple[str, ...]:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            given = statement.args
            positional = [each.arg for each in (*given.posonlyargs, *given.args)][1:]
            needed = positional[: len(positional) - len(given.defaults)]
            keywords = zip(given.kwonlyargs, given.kw_defaults, strict=True)
            return (*needed, *(each.arg for each, default in keywords if default is None))
    return ()


def find_plain_net(text: str) -> PlainNet:
    """The class that `FILE.py:CLASS` names. Raises InvalidValue, LectureError."""
    place, _, name = text.rpartition(":")
    file = user_path(place)
    if not name or file.suffix != ".py":
        raise InvalidValue(f"--model needs FILE.py:CLASS, such as my_net.py:Net, not {text!r}")
    if not file.is_file():
        raise InvalidValue(f"--model {text}: there is no file {place}")
    if not file.stem.isidentifier():
        raise InvalidValue(
            f"--model {text}: a name like {file.name} can't be imported; rename the file, to "
            "letters, digits and _"
        )
    nets = {net.name: net for net in plain_nets(file)}
    if name not in nets:
        near = difflib.get_close_matches(name, nets, n=1, cutoff=0.0)
        hint = f": did you mean {near[0]}?" if near else ", nor any other nn.Module"
        raise InvalidValue(f"{file} has no class {name}(nn.Module){hint}")
    net = nets[name]
    if not net.can_be_built:
        raise InvalidValue(
            f"{name} of {file.name} can't be built without {', '.join(net.arguments)}: give its "
            "__init__ defaults, or the arguments (self, spec, hyperparameters)"
        )
    return net


def write_lecture_file(net: PlainNet, base: Lecture) -> Path:
    """Write a lecture file beside the net's, with the data, criterion and settings of `base`.

    Keeps an existing file with the same text. Raises InvalidValue when the existing file differs,
    or when it can't be written.
    """
    number = base.name.removeprefix("lecture_").partition("_")[0]
    path = net.file.absolute().with_name(f"{net.file.stem}_{net.name}_lecture_{number}.py")
    text = _TEMPLATE.format(
        name=net.name,
        file=net.file.name,
        # Such a file is imported by a relative import alone: `models` always means tutorch's own.
        module=f".{net.file.stem}" if net.file.stem in RESERVED else net.file.stem,
        base=base.name,
        call=f"{net.name}({'spec, hyperparameters' if net.arguments else ''})",
        datasets=repr(base.datasets),
        criterion=_criterion(base),
        hyperparameters=_hyperparameters(base),
        overrides=repr(
            {key: _common(values) for key, values in base.overrides.items() if _is_common(key)}
        ),
    )
    try:
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise InvalidValue(
                f"{path} exists already and differs from what --model would write: train it with "
                f"`tutorch {shlex.quote(short_path(path))}`, or remove it"
            )
        if not path.exists():
            with path.open("x", encoding="utf-8") as file:  # through no link that leads nowhere
                file.write(text)
    except OSError as error:
        raise InvalidValue(f"{path} can't be written: {error.strerror}") from error
    return path


def _criterion(base: Lecture) -> str:
    """The base's criterion as an expression that uses only torch."""
    made = base.build_criterion(base.hyperparameters)
    reduction = getattr(made, "reduction", "mean")
    name = f"nn.{type(made).__name__}"
    return name if reduction == "mean" else f"lambda: {name}(reduction={reduction!r})"


def _common(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` whose fields every lecture has."""
    return {name: values[name] for name in _COMMON if name in values}


def _is_common(key: str) -> bool:
    """Whether an override is for a data set, or for a choice of a field that every lecture has."""
    name, equals, _ = key.partition("=")
    return not equals or name in _COMMON


def _hyperparameters(base: Lecture) -> str:
    """The base's hyperparameters as an expression, without the class's defaults."""
    usual = vars(Hyperparameters())
    values = _common(vars(base.hyperparameters))
    arguments = [f"{name}={value!r}" for name, value in values.items() if value != usual[name]]
    return f"Hyperparameters({', '.join(arguments)})"
