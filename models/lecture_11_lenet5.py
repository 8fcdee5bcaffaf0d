"""x"""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, activation


@dataclass(frozen=True, kw_only=True)
class LeNetHyperparameters(Hyperparameters):
    """What of LeNet-5 was later done differently."""

    activation: Activation = "tanh"
    """What comes after each layer but the last."""

    pooling: Literal["average", "max"] = "average"
    """How 2×2 pixels become one."""


class LeNet5(nn.Sequential):
    """LeNet-5 as published in 1998, with plain pooling and logits at the end."""

    def __init__(self, spec: DataSpec, hyperparameters: LeNetHyperparameters) -> None:
        channels, height, width = spec.input_shape
        pool = nn.AvgPool2d if hyperparameters.pooling == "average" else nn.MaxPool2d
        super().__init__(
            nn.ZeroPad2d(padding(width) + padding(height)),  # to 32×32
            nn.Conv2d(channels, 6, kernel_size=5),  # C1: 6×28×28
            activation(hyperparameters.activation),
            pool(2),  # S2: 6×14×14
            nn.Conv2d(6, 16, kernel_size=5),  # C3: 16×10×10
            activation(hyperparameters.activation),
            pool(2),  # S4: 16×5×5
            nn.Conv2d(16, 120, kernel_size=5),  # C5: 120×1×1
            activation(hyperparameters.activation),
            nn.Flatten(),
            nn.Linear(120, 84),  # F6
            activation(hyperparameters.activation),
            nn.Linear(84, spec.outputs),
        )


def padding(size: int) -> tuple[int, int]:
    """How many zeros before and after bring `size` to LeNet's 32 pixels."""
    if size > 32:
        raise ValueError(f"LeNet-5 reads 32x32 pixels: a side of {size} is {size - 32} too many")
    missing = 32 - size
    return missing // 2, missing - missing // 2


LECTURE = Lecture(
    title="LeNet-5",
    title_zh="LeNet-5",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=LeNet5,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=LeNetHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
