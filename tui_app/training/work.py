"""A model tried on two samples: whether its shapes fit, and how much arithmetic a sample takes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.random import fork_rng
from torch.utils.flop_counter import FlopCounterMode

from models import LectureError
from tui_app.training.layers import layers_of

#: Layers that are shown at most of a model that fails.
_LAYERS = 20

#: What messages have for the signs of the course.
_PLAIN = str.maketrans({"→": "->", "×": "x", "·": "*"})


def forward_work(model: nn.Module, criterion: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Multiply-adds per sample of a forward pass, from one over `inputs`.

    Leaves weights, buffers and random numbers as they were. Raises LectureError with torch's own
    words when the model doesn't take such inputs, or the criterion not such outputs.
    """
    was_training = model.training
    cards = [inputs.device] if inputs.device.type == "cuda" else []
    model.eval()
    try:
        with fork_rng(cards), torch.no_grad(), FlopCounterMode(display=False) as counter:
            criterion(model(inputs), targets)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise LectureError(
            f"the model doesn't fit the data: inputs {tuple(inputs.shape)} of {inputs.dtype}, "
            f"targets {tuple(targets.shape)} of {targets.dtype}: {error}{_where(model, inputs)}"
        ) from error
    finally:
        model.train(was_training)
    return counter.get_total_flops() / 2 / len(inputs)


def _where(model: nn.Module, inputs: Tensor) -> str:
    """The layers up to the one that doesn't fit, a line each, and the arithmetic that shows why;
    nothing when the model itself takes the inputs.
    """
    with fork_rng([]), torch.no_grad():
        found = layers_of(model, inputs)
    if not found.problem:
        return ""
    lines = [
        f"{layer.kind}: {_shape(layer.before)} -> {_shape(layer.after) or 'fails'}"
        for layer in found.layers[-_LAYERS:]
    ]
    text = "\n".join(["", *(f"    {line}" for line in lines), found.says_where])
    return text.translate(_PLAIN)


def _shape(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
