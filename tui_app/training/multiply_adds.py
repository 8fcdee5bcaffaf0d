"""Counts the multiply-adds of a forward pass: of a layer for the views, of a run for its threads.

Counted at the functions of torch that multiply, whatever module calls them. torch's own counter
would import its compiler, which takes as long as importing torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode


class MultiplyAddCounter(TorchFunctionMode):
    """Counts the multiply-adds of matrix products, convolutions and recurrent steps."""

    def __init__(self) -> None:
        super().__init__()
        self.multiply_adds = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Call `func`, and count it."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        self.multiply_adds += _multiply_adds(name, args, result)
        return result


def _multiply_adds(name: str, args: Sequence[Any], result: Any) -> int:
    """The multiply-adds of one call of torch's function of that name."""
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


def _matrices(args: Sequence[Any]) -> list[Tensor]:
    """A recurrent layer's weights: of each layer and direction, without the biases."""
    weights = [each for each in args if isinstance(each, list | tuple)][-1]
    return [weight for weight in weights if weight.ndim == 2]
