"""Turns the fields of dataclasses into command-line options, which tyro parses."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import io
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from typing import Annotated, Any

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from models.fields import Field, InvalidValue
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.settings.sweep import split_values
from tui_app.text.escaping import printable


class ParserDone(Exception):
    """The parser has printed help or an error; the program ends."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


class _Unset:
    """The value of an option that wasn't given; the help shows its default."""

    def __init__(self, default: str) -> None:
        self.default = default

    def __str__(self) -> str:
        return self.default or "none"


def option(field: Field) -> tuple[str, Any, Any]:
    """Return the field as an optional option, for dataclasses.make_dataclass."""
    spec = PrimitiveConstructorSpec(
        nargs=1,
        metavar=_metavar(field),
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )
    hint = Annotated[Any, spec, tyro.conf.arg(help=field.help)]
    return field.name, hint, dataclasses.field(default=_Unset(field.format(field.default)))


def parse_options(
    schema: type, fields: Mapping[str, Field], argv: Sequence[str], prog: str, description: str
) -> tuple[Any, dict[str, Any]]:
    """Parse `argv` with the fields of the dataclass `schema` and an option for each of `fields`.

    Returns the schema's part, and the values by name of the options that were given. Raises
    ParserDone after printing help or an error.
    """
    combined = dataclasses.make_dataclass(
        schema.__name__, map(option, fields.values()), bases=(schema,), kw_only=True
    )
    words = _expanded(argv, fields)
    _refuse_unknown_options(combined, words)
    output = io.StringIO()
    try:
        with redirect_stderr(output):
            parsed = tyro.cli(combined, args=words, prog=prog, description=description)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else ExitCode.USAGE
        raise ParserDone(code) from leaving
    finally:  # the output quotes what was typed, control codes included
        sys.stderr.writelines(f"{printable(line)}\n" for line in output.getvalue().splitlines())
    can_vary = any(each.name == "vary" for each in dataclasses.fields(schema))
    texts = {name: getattr(parsed, name) for name in fields}
    given = {
        name: _value(fields[name], text, can_vary=can_vary)
        for name, text in texts.items()
        if not isinstance(text, _Unset)
    }
    return parsed, given


def _value(field: Field, text: str, *, can_vary: bool) -> Any:
    """Parse an option's value; for several values, raise an error that proposes --sweep, or --vary
    for a command that has this option.
    """
    try:
        return field.parse(text)
    except InvalidValue:
        parts = text.split("..") if ".." in text else split_values(field, text)
        parts = [part.strip() for part in parts]
        if len(parts) > 1 and all(map(functools.partial(_is_value, field), parts)):
            if can_vary:
                joined = text if ".." in text else "|".join(parts)
                vary = shlex.quote(f"{field.name}={joined}")
                raise InvalidValue(
                    f"{field.label} takes one value: `--vary {vary}` lets it vary", field.name
                ) from None
            listed = (";" if field.is_tuple else ",").join(parts)
            raise several_values_error(field, listed) from None
        raise


def several_values_error(field: Field, listed: str) -> InvalidValue:
    """Return the error for several values where one is allowed."""
    sweep = shlex.quote(f"{field.name}={listed}")
    return InvalidValue(
        f"{field.label} takes one value: `--sweep {sweep}` trains one run for each", field.name
    )


def _is_value(field: Field, text: str) -> bool:
    try:
        field.parse(text)
    except InvalidValue:
        return False
    return True


def _refuse_unknown_options(schema: type, words: Sequence[str]) -> None:
    """Raise InvalidValue, with similar ones, for an option that the dataclass doesn't have."""
    known = ["--help", *("--" + f.name.replace("_", "-") for f in dataclasses.fields(schema))]
    for word in words:
        flag, _, _ = word.replace("_", "-").partition("=")
        if flag.startswith("--") and flag not in known:
            near = difflib.get_close_matches(flag, known, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else "--help lists the options"
            raise InvalidValue(f"there is no option {flag[:60]!r}: {hint}")


def _expanded(argv: Sequence[str], fields: Mapping[str, Field]) -> list[str]:
    """Return `--shuffle` and `--no-shuffle` as `--shuffle true` and `--shuffle false`."""
    flags = {field.flag: field for field in fields.values() if field.kind is bool}
    words: list[str] = []
    for index, word in enumerate(argv):
        name = word.replace("_", "-")
        following = argv[index + 1] if index + 1 < len(argv) else ""
        if name in flags and not _is_boolean(following):
            words += [name, "true"]
        elif name.startswith("--no-") and "--" + name[5:] in flags:
            words += ["--" + name[5:], "false"]
        else:
            words.append(word)
    return words


def _is_boolean(word: str) -> bool:
    """Whether a word is a boolean, or a list of them."""
    words = {"true", "false", "yes", "no", "on", "off"}
    return set(re.split("[,|]", word.lower())) <= words


def _metavar(field: Field) -> str:
    plain = {int: "INT", float: "FLOAT", bool: "TRUE|FALSE", str: "TEXT"}
    names = [plain[field.kind]] if field.kind else []
    joined = "|".join([*names, *field.choices])
    return f"{joined},..." if field.is_tuple else joined
