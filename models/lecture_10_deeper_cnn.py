"""x"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class DeeperHyperparameters(Hyperparameters):
    """The shape of a convolutional network with several linear layers behind it."""

    channels: Annotated[tuple[int, ...], Range(minimum=1)] = (16, 32, 64)
    """Kernels of each convolution: as many channels come out of it."""

    kernel_size: Annotated[int, Range(minimum=1)] = 3
    """Side of the square kernels, in pixels."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (128, 64)
    """Neurons of each linear layer but the last, which has one per class."""

    activation: Activation = "relu"
    """What comes after each convolution and each linear layer but the last."""


class DeeperCNN(nn.Sequential):
    """A logit per class from three convolutions and three linear layers."""

    def __init__(self, spec: DataSpec, hyperparameters: DeeperHyperparameters) -> None:
        channels, height, width = spec.input_shape
        kernel_size = hyperparameters.kernel_size
        layers: list[nn.Module] = []
        for outputs in hyperparameters.channels:
            layers += [
                nn.Conv2d(channels, outputs, kernel_size, padding=kernel_size // 2),
                activation(hyperparameters.activation),
                nn.MaxPool2d(2),
            ]
            channels = outputs
            height, width = output_size(height, kernel_size), output_size(width, kernel_size)
        layers += [nn.Flatten()]
        sizes = (channels * height * width, *hyperparameters.widths)  # 576, 128, 64
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), activation(hyperparameters.activation)]
        super().__init__(*layers, nn.Linear(sizes[-1], spec.outputs))


def output_size(size: int, kernel_size: int) -> int:
    """How many pixels are left of `size` after a padded convolution and 2×2 pooling."""
    padding = kernel_size // 2
    convolved = size + 2 * padding - kernel_size + 1
    if convolved < 2:
        raise ValueError(
            f"too many convolutions for this image: {size} + 2*{padding} - {kernel_size} + 1 = "
            f"{convolved} pixel is left, and 2x2 pooling needs at least 2"
        )
    return convolved // 2


LECTURE = Lecture(
    title="A deeper CNN",
    title_zh="更深的卷积神经网络",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=DeeperCNN,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=DeeperHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
