"""A model tried on two samples before anything trains: its outputs, its loss, and its work.

What would only fail in the middle of the first epoch, or would train in silence and measure
nonsense, is refused here with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.random import fork_rng

from datasets import DataSpec
from models import LectureError
from models.lecture import Lecture
from models.user_files.error_hints import explain
from models.user_files.error_location import is_user_code, locate_declaration, locate_error
from tui_app.training.layers import layers_of
from tui_app.training.multiply_adds import MultiplyAddCounter
from tui_app.training.outcome import is_out_of_memory

#: Layers that are shown at most of a model that fails.
_LAYERS = 20

#: What messages have for the signs of the course.
_PLAIN = str.maketrans({"→": "->", "×": "x", "·": "*"})

#: What torch's own criteria are for.
_TASK_OF = {
    nn.CrossEntropyLoss: "multiclass",
    nn.NLLLoss: "multiclass",
    nn.MultiMarginLoss: "multiclass",
    nn.BCEWithLogitsLoss: "binary",
    nn.BCELoss: "binary",
    nn.MSELoss: "regression",
    nn.L1Loss: "regression",
    nn.SmoothL1Loss: "regression",
    nn.HuberLoss: "regression",
}

#: The criterion for a task, and what the task is.
_CRITERION_FOR = {
    "multiclass": ("nn.CrossEntropyLoss", "{classes} classes"),
    "binary": ("nn.BCEWithLogitsLoss", "two classes"),
    "regression": ("nn.MSELoss", "numbers to predict, not classes"),
}


@dataclass(frozen=True)
class ModelCheck:
    """What trying a model has shown: the multiply-adds per sample of a layer, on the average, and
    what the user should know of the model, a sentence each.
    """

    multiply_adds_per_layer: float
    notes: tuple[str, ...] = ()


def check_model(
    lecture: Lecture,
    model: nn.Module,
    criterion: nn.Module,
    spec: DataSpec,
    inputs: Tensor,
    targets: Tensor,
) -> ModelCheck:
    """Try the lecture's model on `inputs` (N, *input_shape), and the criterion on its outputs.

    Leaves weights, buffers and random numbers as they were. Raises LectureError, which names the
    line of the user's file, for a model that doesn't take the inputs, whose outputs aren't those
    of the task, or a criterion of another task.
    """
    was_training = model.training
    cards = [inputs.device] if inputs.device.type == "cuda" else []
    _check_weights(model)
    _check_criterion(lecture, criterion, spec)
    model.eval()
    try:
        with fork_rng(cards), torch.no_grad(), MultiplyAddCounter() as counter:
            outputs = _check_outputs(model, _forward(model, inputs), criterion, spec, targets)
            _check_loss(criterion, outputs, targets)
    finally:
        model.train(was_training)
    return ModelCheck(counter.per_operation / len(inputs), _notes(criterion, outputs))


def _notes(criterion: nn.Module, outputs: Tensor) -> tuple[str, ...]:
    """What to say of a net that ends in a softmax before CrossEntropyLoss, which has one itself."""
    if type(criterion) is not nn.CrossEntropyLoss:
        return ()
    if outputs.min() < 0 or not _sums_to_one(outputs):
        return ()
    return (
        "the net's outputs are probabilities, and nn.CrossEntropyLoss takes a softmax itself: "
        "leave the net's own softmax out, or it learns slowly",
    )


def _forward(model: nn.Module, inputs: Tensor) -> object:
    try:
        return model(inputs)
    except Exception as error:  # whatever a file of the user's own raises is its author's to see
        if is_out_of_memory(error):
            raise
        raise LectureError(_not_taken(model, inputs, error)) from error


def _not_taken(model: nn.Module, inputs: Tensor, error: Exception) -> str:
    """Why the model doesn't take the inputs: with its layers where their shapes don't fit."""
    layers = _layers_until_failure(model, inputs)
    if not layers or not isinstance(error, RuntimeError | ValueError | TypeError | IndexError):
        return explain(error)
    place = locate_error(error)
    where = f"{place}: " if place else ""
    return (
        f"{where}the model doesn't fit the data: inputs {tuple(inputs.shape)} of {inputs.dtype}: "
        f"{error}{layers}"
    )


def _layers_until_failure(model: nn.Module, inputs: Tensor) -> str:
    """The layers up to the one that doesn't fit, a line each, and the arithmetic that shows why;
    nothing when no layer was reached, or all of them take the inputs.
    """
    with fork_rng([]), torch.no_grad():
        try:
            found = layers_of(model, inputs)
        except Exception:  # noqa: BLE001 # the model's own error, which is being explained
            return ""
    if not found.problem or not found.layers:
        return ""
    lines = [
        f"{layer.kind}: {_shape(layer.before)} -> {_shape(layer.after) or 'fails'}"
        for layer in found.layers[-_LAYERS:]
    ]
    text = "\n".join(["", *(f"    {line}" for line in lines), found.failure_text])
    return text.translate(_PLAIN)


def _check_weights(model: nn.Module) -> None:
    if not any(weight.requires_grad for weight in model.parameters()):
        raise LectureError(
            f"{type(model).__name__} has no weights to train: assign its layers to self in "
            "__init__, in an nn.ModuleList where they are a list"
        )


def _check_criterion(lecture: Lecture, criterion: nn.Module, spec: DataSpec) -> None:
    """Raise LectureError for a criterion of torch's that is made for another task than the data's,
    or that takes probabilities where accuracy is measured on logits.
    """
    name = f"nn.{type(criterion).__name__}"
    made_for = _TASK_OF.get(type(criterion))
    fitting, data = _CRITERION_FOR[spec.task]
    if made_for is not None and made_for != spec.task:
        data = data.format(classes=len(spec.classes))
        raise LectureError(
            f"{locate_declaration(lecture.path, 'criterion')}: criterion={name} doesn't suit "
            f"these data, which have {data}: criterion={fitting}"
        )
    if type(criterion) is nn.BCELoss:
        raise LectureError(
            f"{locate_declaration(lecture.path, 'criterion')}: criterion=nn.BCELoss takes "
            "probabilities, and tutorch measures accuracy on logits: "
            "leave the sigmoid at the net's end out, and set criterion=nn.BCEWithLogitsLoss"
        )


def _check_outputs(
    model: nn.Module, outputs: object, criterion: nn.Module, spec: DataSpec, targets: Tensor
) -> Tensor:
    """The outputs; raises LectureError when they aren't one tensor of the task's shape."""
    forward = _forward_of(model)
    if outputs is None:
        raise LectureError(f"{forward} returns nothing: end it with `return x`")
    if not isinstance(outputs, Tensor):
        raise LectureError(
            f"{forward} returns a {type(outputs).__name__}: return one tensor, the logits alone"
        )
    if spec.task == "multiclass":
        if type(criterion) in _TASK_OF:
            _check_classes(forward, spec, outputs, targets)
    elif outputs.shape != targets.shape:
        wanted = _batched(targets)
        raise LectureError(
            f"{forward} gives outputs of shape {_batched(outputs)}, the targets have {wanted}: "
            f"one number a sample (spec.outputs), in a column of its own{_column_hint(outputs)}"
        )
    is_finite = bool(outputs.isfinite().all())  # else training says so itself
    if type(criterion) is nn.NLLLoss and is_finite and not _sums_to_one(outputs.exp()):
        raise LectureError(
            "criterion=nn.NLLLoss takes log-probabilities, and the net's outputs are none: "
            "criterion=nn.CrossEntropyLoss takes logits"
        )
    return outputs


def _check_classes(forward: str, spec: DataSpec, outputs: Tensor, targets: Tensor) -> None:
    """Raise LectureError unless `outputs` are (N, classes) or (N, classes, length)."""
    wanted = (targets.shape[0], spec.outputs, *targets.shape[1:])
    if tuple(outputs.shape) == wanted:
        return
    if outputs.ndim == len(wanted) and outputs.shape[0] == wanted[0]:
        given = outputs.shape[1]
        raise LectureError(
            f"{forward} gives {given} output{'s' * (given != 1)}, and the data have "
            f"{spec.outputs} classes: let the last layer have spec.outputs of them"
        )
    raise LectureError(
        f"{forward} gives outputs of shape {_batched(outputs)}: a logit for each of the "
        f"{spec.outputs} classes is ({', '.join(['N', *map(str, wanted[1:])])}). "
        "Flatten with x.flatten(1), which keeps the batch"
    )


def _check_loss(criterion: nn.Module, outputs: Tensor, targets: Tensor) -> None:
    """Raise LectureError when the criterion fails, or gives more than one number."""
    try:
        loss = criterion(outputs, targets)
    except Exception as error:  # see _forward
        if is_out_of_memory(error):
            raise
        raise LectureError(
            f"the criterion {type(criterion).__name__} doesn't take outputs "
            f"{_batched(outputs)} and targets {_batched(targets)} of {targets.dtype}: "
            f"{explain(error)}"
        ) from error
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise LectureError(
            f"the criterion {type(criterion).__name__} gives no single number: "
            "reduction='mean' or 'sum' does"
        )


def _forward_of(model: nn.Module) -> str:
    """The model's forward as a message names it: with file and line in a user's file."""
    name = f"forward of {type(model).__name__}"
    code = getattr(type(model).forward, "__code__", None)
    if code is None or not is_user_code(code.co_filename):
        return name
    return f"{Path(code.co_filename).name} line {code.co_firstlineno}: {name}"


def _sums_to_one(outputs: Tensor) -> bool:
    """Whether the values over dimension 1 add up to 1, as probabilities do (to 1e-3)."""
    return outputs.ndim > 1 and bool((outputs.sum(dim=1) - 1).abs().max() < 1e-3)


def _column_hint(outputs: Tensor) -> str:
    return ": x.unsqueeze(1), or no x.squeeze()" if outputs.ndim == 1 else ""


def _batched(tensor: Tensor) -> str:
    """A shape with N for the batch: (N, 10)."""
    sizes = tuple(tensor.shape)
    if not sizes:
        return "()"
    return f"({', '.join(['N', *map(str, sizes[1:])])}{',' * (len(sizes) == 1)})"


def _shape(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
