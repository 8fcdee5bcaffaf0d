"""Lists a model's layers with the shapes that go through them, recorded by hooks.

It works even if the forward pass fails: the layer that fails is the first one that doesn't fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from tui_app.training.multiply_adds import MultiplyAddCounter

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A layer of one sample: its shapes without the batch, its weights, its multiply-adds.

    `after` is empty for the layer in which the forward pass failed.
    """

    name: str
    kind: str
    before: Shape
    after: Shape
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Layers:
    """The layers in the order of their use; `problem` is why the forward pass failed, if it did.

    `parameters` counts all of the model's, including those outside of layers.
    """

    layers: tuple[Layer, ...]
    parameters: int
    problem: str

    @property
    def failure_text(self) -> str:
        """Why and where the forward pass failed; empty if it didn't."""
        if not self.problem or not self.layers:
            return self.problem and f"The model fails: {self.problem}"
        last = self.layers[-1]
        if not last.after:
            return f"The first layer that doesn't fit is {last.kind}: it {self.problem}"
        return (
            f"It fails after {last.kind}, whose output is {flattened(last.after)}: {self.problem}"
        )


@torch.no_grad()
def layers_of(model: nn.Module, inputs: Tensor) -> Layers:
    """The layers of any model, from a forward pass of `inputs` (N, ...), even if it fails."""
    recorder = _Recorder(len(inputs))
    hooks = recorder.add_hooks(model)
    problem = ""
    try:
        with recorder:
            model(inputs)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        problem = recorder.explain_failure(error)
    finally:
        for hook in hooks:
            hook.remove()
    parameters = sum(weight.numel() for weight in model.parameters())
    return Layers(tuple(recorder.layers), parameters, problem)


class _Recorder(MultiplyAddCounter):
    """Records the layers of a forward pass of so many `samples`, by hooks on the modules.

    It also records where two images or sequences are added outside of layers, as a shortcut's are.
    """

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.layers: list[Layer] = []
        self._samples = samples
        self._depth = 0  # of modules that are running
        self._running: list[tuple[str, nn.Module, Shape, int]] = []

    def add_hooks(self, model: nn.Module) -> list[RemovableHandle]:
        """Add the hooks to all modules without children."""
        hooks = []
        for name, module in model.named_modules():
            if not list(module.children()) and module is not model:
                hooks.append(module.register_forward_pre_hook(partial(self._before, name)))
                hooks.append(module.register_forward_hook(partial(self._after, name)))
        return hooks

    def _before(self, name: str, module: nn.Module, args: tuple) -> None:
        self._depth += 1
        given = _shape(args[0]) if args else None
        if given is not None:
            self._running.append((name, module, given, self.multiply_adds))

    def _after(self, name: str, module: nn.Module, args: tuple, output: object) -> None:
        self._depth = max(0, self._depth - 1)
        multiply_adds = 0
        if self._running and self._running[-1][0] == name:
            *_, start = self._running.pop()
            multiply_adds = _per_sample(self.multiply_adds - start, args, self._samples)
        given = _shape(args[0]) if args else None
        if given is not None:
            self.layers.append(_layer(name, module, given, _shape(output) or (), multiply_adds))

    def explain_failure(self, error: Exception) -> str:
        """Why the forward pass failed; the layer in which it did is added."""
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        if self._running:
            name, module, given, _ = self._running[-1]
            problem = _why(module, given, self.layers) or f"says: {problem}"
            self.layers.append(_layer(name, module, given, (), 0))
        return problem

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = super().__torch_function__(func, types, args, kwargs)
        is_added = getattr(func, "__name__", "").strip("_") in ("add", "iadd", "radd")
        if is_added and not self._depth and len(args) == 2 and _are_alike(*args):
            shape = tuple(result.shape[1:])
            self.layers.append(Layer("", "+ x", shape, shape, 0, 0))
        return result


def _are_alike(one: object, other: object) -> bool:
    """Whether both are activations of the same shape."""
    both = (one, other)
    return (
        all(isinstance(each, Tensor) and not isinstance(each, nn.Parameter) for each in both)
        and one.shape == other.shape  # pyright: ignore[reportAttributeAccessIssue]
        and one.ndim > 2  # pyright: ignore[reportAttributeAccessIssue]
    )


def _shape(value: object) -> Shape | None:
    """The shape of one sample in a tensor, or in the first of several; of the longest sample in a
    packed sequence. None for other values.
    """
    if isinstance(value, nn.utils.rnn.PackedSequence):
        return (len(value.batch_sizes), *value.data.shape[1:])
    if isinstance(value, tuple | list) and value:
        return _shape(value[0])
    return tuple(value.shape[1:]) if isinstance(value, Tensor) else None


def _per_sample(multiply_adds: int, args: Sequence[object], samples: int) -> int:
    """The multiply-adds of one sample: of the longest one in a packed sequence."""
    given = args[0] if args else None
    if isinstance(given, nn.utils.rnn.PackedSequence):
        return multiply_adds * len(given.batch_sizes) // max(1, len(given.data))
    return multiply_adds // samples


def _layer(name: str, module: nn.Module, before: Shape, after: Shape, multiply_adds: int) -> Layer:
    return Layer(
        name=name,
        kind=describe(module),
        before=before,
        after=after,
        parameters=sum(weight.numel() for weight in module.parameters()),
        multiply_adds=multiply_adds,
    )


def describe(module: nn.Module) -> str:
    """A layer as the course writes it: Conv2d 1→10, 5×5."""
    name = type(module).__name__
    match module:
        case nn.Conv2d():
            sides = "×".join(map(str, module.kernel_size))
            padded = f", padding {module.padding[0]}" if any(map(bool, module.padding)) else ""
            strided = f", stride {module.stride[0]}" if module.stride[0] != 1 else ""
            return f"{name} {module.in_channels}→{module.out_channels}, {sides}{padded}{strided}"
        case nn.Linear():
            return f"{name} {module.in_features}→{module.out_features}"
        case nn.MaxPool2d() | nn.AvgPool2d():
            size = module.kernel_size
            return f"{name} {size if isinstance(size, int) else size[0]}"
        case nn.Embedding():
            return f"{name} {module.num_embeddings}→{module.embedding_dim}"
        case nn.RNNBase():
            both = ", both ways" if module.bidirectional else ""
            return (
                f"{name} {module.input_size}→{module.hidden_size}, {module.num_layers} deep{both}"
            )
        case nn.RNNCellBase():
            return f"{name} {module.input_size}→{module.hidden_size}"
    return name


def _why(module: nn.Module, given: Shape, before: Sequence[Layer]) -> str:
    """Why a layer doesn't fit its input: the arithmetic of one sample."""
    shape = "×".join(map(str, given))
    if not given:
        return ""
    match module:
        case nn.Linear() if given[-1] != module.in_features:
            whole = (layer.after for layer in reversed(before) if len(layer.after) > 1)
            image = next((after for after in whole if prod(after) == given[-1]), None)
            of = f"{given[-1]} (of {shape})" if image is None else flattened(image)
            return f"expects {module.in_features} features, but gets {of}"
        case nn.Conv2d() if len(given) < 3:
            return f"expects an image (channels×height×width), but gets {shape}"
        case nn.Conv2d() if given[0] != module.in_channels:
            return f"expects {module.in_channels} channels, but gets {given[0]} (of {shape})"
        case nn.Conv2d():
            kernel, padding = module.kernel_size[0], module.padding[0]
            if isinstance(padding, int) and given[1] + 2 * padding < kernel:
                left = given[1] + 2 * padding - kernel + 1
                return f"{given[1]} + 2·{padding} - {kernel} + 1 = {left} pixels would be left"
        case nn.BatchNorm2d() | nn.BatchNorm1d() if given[0] != module.num_features:
            return f"expects {module.num_features} channels, but gets {given[0]} (of {shape})"
        case nn.RNNBase() if given[-1] != module.input_size:
            return f"expects {module.input_size} numbers per symbol, but gets {given[-1]}"
        case nn.MaxPool2d():
            return f"{given[-1]} pixels are fewer than its kernel: nothing would be left"
    return ""


def flattened(shape: Shape) -> str:
    """`20·4·4 = 320`; a single number is left as it is."""
    product = "·".join(map(str, shape))
    return product if len(shape) == 1 else f"{product} = {prod(shape)}"
