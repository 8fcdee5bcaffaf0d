"""A model tried on two samples: whether its shapes fit, and how much arithmetic a sample takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.random import fork_rng

from models import LectureError
from tui_app.training.layers import layers_of

#: Layers that are shown at most of a model that fails.
_LAYERS = 20

#: What messages have for the signs of the course.
_PLAIN = str.maketrans({"→": "->", "×": "x", "·": "*"})


def work_of_a_layer(
    model: nn.Module, criterion: nn.Module, inputs: Tensor, targets: Tensor
) -> float:
    """Multiply-adds per sample of a layer, on the average, from a forward pass over `inputs`. Of a
    recurrent layer a time step is what counts: they are taken one after another.

    Leaves weights, buffers and random numbers as they were. Raises LectureError with torch's own
    words when the model doesn't take such inputs, or the criterion not such outputs.
    """
    was_training = model.training
    cards = [inputs.device] if inputs.device.type == "cuda" else []
    model.eval()
    try:
        with fork_rng(cards), torch.no_grad(), _Counter() as counter:
            criterion(model(inputs), targets)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise LectureError(
            f"the model doesn't fit the data: inputs {tuple(inputs.shape)} of {inputs.dtype}, "
            f"targets {tuple(targets.shape)} of {targets.dtype}: {error}{_where(model, inputs)}"
        ) from error
    finally:
        model.train(was_training)
    return counter.multiply_adds / max(1, counter.layers) / len(inputs)


class _Counter(TorchFunctionMode):
    """Counts the matrix products, convolutions and recurrent steps, and their multiply-adds.

    torch's own counter would import its compiler, which takes as long as torch itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.multiply_adds = self.layers = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Call `func`, and count it."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        multiply_adds = _multiply_adds(name, args, result)
        if multiply_adds:
            self.multiply_adds += multiply_adds
            self.layers += _times(name, args)
        return result


def _multiply_adds(name: str, args: Sequence[Any], result: Any) -> int:
    """Of one call of the function of that name in torch."""
    match name:
        case "linear" | "matmul" | "__matmul__" | "mm" | "bmm" | "mv":
            return result.numel() * args[0].shape[-1]
        case "addmm" | "baddbmm":
            return result.numel() * args[1].shape[-1]
        case "conv1d" | "conv2d" | "conv3d":
            return result.numel() * args[1][0].numel()
        case "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d":
            return args[0].numel() * args[1][0].numel()
        case "rnn_tanh_cell" | "rnn_relu_cell" | "gru_cell" | "lstm_cell":
            return len(args[0]) * (args[2].numel() + args[3].numel())
        case "rnn_tanh" | "rnn_relu" | "gru" | "lstm":
            samples = args[0].numel() // args[0].shape[-1]
            return samples * sum(weight.numel() for weight in _matrices(args))
    return 0


def _times(name: str, args: Sequence[Any]) -> int:
    """How many layers' work, one after another, a call is: a recurrent one takes time steps."""
    if name not in ("rnn_tanh", "rnn_relu", "gru", "lstm"):
        return 1
    layers = len(_matrices(args)) // 2  # one for what goes in, one for the hidden state
    if isinstance(args[2], Tensor):  # a packed sequence: its data, and the samples at each step
        return layers * len(args[1])
    return layers * args[0].shape[1 if args[-1] else 0]  # the last one is batch_first


def _matrices(args: Sequence[Any]) -> list[Tensor]:
    """A recurrent layer's weights: of each layer and direction, without the biases."""
    weights = [each for each in args if isinstance(each, list | tuple)][-1]
    return [weight for weight in weights if weight.ndim == 2]


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
