"""`tutorch evaluate RUN`: measures the best model of a run again."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import tyro

from models.fields import InvalidValue
from tui_app.commands.arguments import (
    RunArguments,
    import_lecture,
    parse,
    print_data_note,
    print_source_note,
    requested_run,
)
from tui_app.headless.loading_progress import console_reporter
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import print_json, print_table, print_to_stderr
from tui_app.text.quantities import format_number

_COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(kw_only=True)
class Evaluate(RunArguments):
    """Measure the best model of a run again, on every part of its data."""

    require: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """A condition such as 'test_accuracy>=0.95'; the exit code is 1 if it isn't met."""


@dataclass(frozen=True)
class Requirement:
    """A condition on a metric."""

    name: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read `name>=number`. Raises InvalidValue."""
        match = re.fullmatch(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+.\de]+)\s*", text)
        if match is None:
            raise InvalidValue(
                f"--require takes a condition such as 'test_accuracy>=0.95', not {text!r}"
            )
        try:
            return cls(match[1], match[2], float(match[3]))
        except ValueError:
            raise InvalidValue(f"--require {text!r}: {match[3]!r} is not a number") from None

    def is_met(self, values: dict[str, float]) -> bool:
        """Whether `values` meet it. Raises InvalidValue for a metric that wasn't measured."""
        if self.name not in values:
            raise InvalidValue(
                f"--require: this run has no {self.name}; it has {', '.join(values)}"
            )
        return _COMPARISONS[self.comparison](values[self.name], self.bound)


def main(argv: Sequence[str]) -> int:
    """Print the metrics; return 1 if a requirement isn't met."""
    arguments, given = parse(Evaluate, argv, "runs_dir", "device", "data_dir")
    requirements = [Requirement.parse(text) for text in arguments.require]
    folder = requested_run(arguments, given)
    print_source_note(import_lecture(folder))

    from tui_app.inspection.saved_model import SavedModel

    with console_reporter(quiet=arguments.json) as reporter:
        best = SavedModel.load(
            folder, given.get("device"), given.get("data_dir"), reporter=reporter
        )
    print_data_note(best)
    values = best.evaluate()
    missed = [each for each in requirements if not each.is_met(values)]
    if arguments.json:
        print_json({"run": folder.name, **values})
    else:
        rows = [
            [name.replace("_", " "), format_number(name, value)] for name, value in values.items()
        ]
        print_table(["", ""], rows, right=[""])
    for each in missed:
        print_to_stderr(
            f"{each.name} is {values[each.name]:.6g}: not {each.comparison} {each.bound:g}"
        )
    return ExitCode.FAILED if missed else ExitCode.DONE
