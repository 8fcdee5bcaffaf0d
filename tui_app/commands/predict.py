"""`tutorch predict RUN INPUT`: predicts with the best model of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from models.fields import InvalidValue
from tui_app.commands.arguments import (
    RunArguments,
    import_lecture,
    parse,
    print_source_note,
    requested_run,
)
from tui_app.headless.loading_progress import console_reporter
from tui_app.terminal.printing import print_json, print_table

#: Classes printed at most, the likeliest first.
_CLASSES = 10


@dataclass(kw_only=True)
class Predict(RunArguments):
    """Predict with the best model of a run."""

    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")]
    """The input: numbers (4, or 1.5,2), the path of an image, or a word."""


def main(argv: Sequence[str]) -> int:
    """Print the prediction."""
    arguments, given = parse(Predict, argv, "runs_dir", "device", "data_dir")
    folder = requested_run(arguments, given)
    print_source_note(import_lecture(folder))

    from tui_app.inspection.saved_model import SavedModel

    where = given.get("device"), given.get("data_dir")
    with console_reporter(quiet=arguments.json) as reporter:
        best = SavedModel.load(folder, *where, needs_samples=False, reporter=reporter)
    try:
        outputs = best.predict(arguments.input)
    except ValueError as error:
        raise InvalidValue(f"{folder.name} takes {best.data.input_help}: {error}") from error
    prediction = _prediction(best, outputs)
    if arguments.json:
        print_json({"run": folder.name, "input": arguments.input, **prediction})
    elif "probabilities" in prediction:
        likeliest = list(prediction["probabilities"].items())[:_CLASSES]
        rows = [[name, f"{100 * share:.2f} %"] for name, share in likeliest]
        print_table([prediction["prediction"], ""], rows, right=[""])
    else:
        value = prediction["prediction"]
        print_table([value if isinstance(value, str) else f"{value:.6g}"], [])
    return 0


def _prediction(best: Any, outputs: Any) -> dict[str, Any]:
    """Return the prediction and, for classes, the probability of each."""
    spec = best.data.spec
    if spec.task == "regression":
        return {"prediction": outputs.item()}
    if outputs.ndim > 1:  # one class for each place of a sequence
        return {"prediction": "".join(spec.classes[index] for index in outputs.argmax(0).tolist())}
    if spec.task == "binary":
        share = outputs.sigmoid().item()
        shares = [1 - share, share]
    else:
        shares = outputs.softmax(0).tolist()
    ranking = sorted(zip(spec.classes, shares, strict=True), key=lambda pair: -pair[1])
    return {"prediction": ranking[0][0], "probabilities": dict(ranking)}
