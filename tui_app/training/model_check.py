"""Runs a model on two samples before training: checks outputs and loss, counts multiply-adds.

It refuses, with a sentence, what would fail in the middle of the first epoch, and what would train
without an error but measure nonsense.
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
from models.user_files.error_location import is_user_code, locate_error
from tui_app.training.criterion_check import (
    TASKS,
    check_criterion,
    check_log_probabilities,
    criterion_notes,
)
from tui_app.training.layers import layers_of
from tui_app.training.multiply_adds import MultiplyAddCounter
from tui_app.training.outcome import is_out_of_memory

#: Most layers that are listed of a model that fails.
_LAYERS = 20

#: ASCII for the signs in layer tables.
_PLAIN = str.maketrans({"→": "->", "×": "x", "·": "*"})


@dataclass(frozen=True)
class ModelCheck:
    """The result: the multiply-adds of a forward pass for a sample, and notes for the user."""

    multiply_adds: int
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

    Weights, buffers and random numbers stay unchanged. Raises LectureError, with the line of the
    user's file, if the model doesn't take the inputs, or if its outputs or the criterion don't suit
    the task.
    """
    was_training = model.training
    cards = [inputs.device] if inputs.device.type == "cuda" else []
    _check_weights(model)
    check_criterion(lecture, criterion, spec)
    model.eval()
    try:
        with fork_rng(cards), torch.no_grad(), MultiplyAddCounter() as counter:
            outputs = _check_outputs(model, _forward(model, inputs), criterion, spec, targets)
            _check_loss(criterion, outputs, targets)
    finally:
        model.train(was_training)
    return ModelCheck(counter.multiply_adds // len(inputs), criterion_notes(criterion, outputs))


def _forward(model: nn.Module, inputs: Tensor) -> object:
    try:
        return model(inputs)
    except Exception as error:  # any error of a user's file is shown to its author
        if is_out_of_memory(error):
            raise
        raise LectureError(_misfit_text(model, inputs, error)) from error


def _misfit_text(model: nn.Module, inputs: Tensor, error: Exception) -> str:
    """Why the model doesn't take the inputs; with its layers if their shapes don't fit."""
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
    """The layers up to the one that doesn't fit, a line each, and the arithmetic that shows why.

    Empty if no layer was reached, or if all of them take the inputs.
    """
    with fork_rng([]), torch.no_grad():
        try:
            found = layers_of(model, inputs)
        except Exception:  # noqa: BLE001 # the error that is being explained
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


def _check_outputs(
    model: nn.Module, outputs: object, criterion: nn.Module, spec: DataSpec, targets: Tensor
) -> Tensor:
    """The outputs. Raises LectureError unless they are one tensor of the task's shape."""
    forward = _forward_name(model)
    if outputs is None:
        raise LectureError(f"{forward} returns nothing: end it with `return x`")
    if not isinstance(outputs, Tensor):
        raise LectureError(
            f"{forward} returns a {type(outputs).__name__}: return one tensor, the logits alone"
        )
    if spec.task == "multiclass":
        if type(criterion) in TASKS:
            _check_classes(forward, spec, outputs, targets)
    elif outputs.shape != targets.shape:
        expected = _batched(targets)
        raise LectureError(
            f"{forward} returns outputs of shape {_batched(outputs)}, and the targets have "
            f"{expected}: one number a sample (spec.outputs), in its own column"
            f"{_column_hint(outputs)}"
        )
    check_log_probabilities(criterion, outputs)
    return outputs


def _check_classes(forward: str, spec: DataSpec, outputs: Tensor, targets: Tensor) -> None:
    """Raise LectureError unless `outputs` are (N, classes) or (N, classes, length)."""
    expected = (targets.shape[0], spec.outputs, *targets.shape[1:])
    if tuple(outputs.shape) == expected:
        return
    if outputs.ndim == len(expected) and outputs.shape[0] == expected[0]:
        given = outputs.shape[1]
        raise LectureError(
            f"{forward} returns {given} output{'s' * (given != 1)}, and the data have "
            f"{spec.outputs} classes: make the last layer have spec.outputs"
        )
    raise LectureError(
        f"{forward} returns outputs of shape {_batched(outputs)}: a logit for each of the "
        f"{spec.outputs} classes is ({', '.join(['N', *map(str, expected[1:])])}). "
        "Flatten with x.flatten(1), which keeps the batch"
    )


def _check_loss(criterion: nn.Module, outputs: Tensor, targets: Tensor) -> None:
    """Raise LectureError if the criterion fails, or returns more than one number."""
    try:
        loss = criterion(outputs, targets)
    except Exception as error:  # as in _forward
        if is_out_of_memory(error):
            raise
        raise LectureError(
            f"the criterion {type(criterion).__name__} doesn't take outputs "
            f"{_batched(outputs)} and targets {_batched(targets)} of {targets.dtype}: "
            f"{explain(error)}"
        ) from error
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise LectureError(
            f"the criterion {type(criterion).__name__} returns no single number: "
            "reduction='mean' or 'sum' does"
        )


def _forward_name(model: nn.Module) -> str:
    """The model's forward as messages name it: with the line, if it is in a user's file."""
    name = f"forward of {type(model).__name__}"
    code = getattr(type(model).forward, "__code__", None)
    if code is None or not is_user_code(code.co_filename):
        return name
    return f"{Path(code.co_filename).name} line {code.co_firstlineno}: {name}"


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
