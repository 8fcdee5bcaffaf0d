"""x"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from models.lecture import DataSpec, Hyperparameters, Lecture, Range


@dataclass(frozen=True, kw_only=True)
class DenseNetHyperparameters(Hyperparameters):
    """The size of the dense blocks."""

    growth: Annotated[int, Range(minimum=1)] = 12
    """Channels that each layer adds to what it was given."""

    layers: Annotated[int, Range(minimum=1)] = 5
    """Layers of each of the two dense blocks."""


class DenseLayer(nn.Module):
    """What came in, and behind it `growth` new channels made from all of it."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.new = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, growth, kernel_size=3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x with the new channels appended."""
        return torch.cat([x, self.new(x)], dim=1)


class DenseNet(nn.Sequential):
    """A logit per class from two dense blocks with a transition between them."""

    def __init__(self, spec: DataSpec, hyperparameters: DenseNetHyperparameters) -> None:
        growth, count = hyperparameters.growth, hyperparameters.layers
        first = 16  # channels after the stem
        second = (first + count * growth) // 2  # after the transition
        last = second + count * growth
        super().__init__(
            nn.Conv2d(spec.input_shape[0], first, kernel_size=3, padding=1, bias=False),
            *(DenseLayer(first + i * growth, growth) for i in range(count)),
            transition(first + count * growth, second),
            *(DenseLayer(second + i * growth, growth) for i in range(count)),
            nn.BatchNorm2d(last),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),  # the mean of each channel over the whole image
            nn.Flatten(),
            nn.Linear(last, spec.outputs),
        )


def transition(channels: int, outputs: int) -> nn.Module:
    """Halve the channels by a 1×1 convolution and the sides by pooling."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, outputs, kernel_size=1, bias=False),
        nn.AvgPool2d(2),
    )


LECTURE = Lecture(
    title="DenseNet",
    title_zh="稠密连接网络 DenseNet",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=DenseNet,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=DenseNetHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},
)
