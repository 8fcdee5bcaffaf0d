"""x"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class InceptionHyperparameters(Hyperparameters):
    """What goes on inside an Inception block."""

    reduction: Annotated[int, Range(minimum=1)] = 16
    """Channels that a 1×1 convolution leaves for the 3×3 and the 5×5 ones after it."""

    inner_activation: Activation = "identity"
    """What comes after each convolution inside a block; the course puts nothing there."""


class Inception(nn.Module):
    """Four paths over the same image, joined channel by channel: 24 + 16 + 24 + 24 = 88."""

    def __init__(self, channels: int, hyperparameters: InceptionHyperparameters) -> None:
        super().__init__()
        reduction = hyperparameters.reduction

        def conv(inputs: int, outputs: int, kernel_size: int) -> nn.Module:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2),
                activation(hyperparameters.inner_activation),
            )

        pooled = nn.AvgPool2d(kernel_size=3, stride=1, padding=1)
        self.paths = nn.ModuleList(
            [
                conv(channels, 16, 1),
                nn.Sequential(conv(channels, reduction, 1), conv(reduction, 24, 5)),
                nn.Sequential(
                    conv(channels, reduction, 1), conv(reduction, 24, 3), conv(24, 24, 3)
                ),
                nn.Sequential(pooled, conv(channels, 24, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """The paths' results, one behind the other along the channels."""
        return torch.cat([path(x) for path in self.paths], dim=1)


class GoogLeNet(nn.Sequential):
    """A logit per class from two convolutions, each followed by an Inception block."""

    def __init__(self, spec: DataSpec, hyperparameters: InceptionHyperparameters) -> None:
        channels, height, width = spec.input_shape
        super().__init__(
            nn.Conv2d(channels, 10, kernel_size=5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            Inception(10, hyperparameters),
            nn.Conv2d(88, 20, kernel_size=5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            Inception(20, hyperparameters),
            nn.Flatten(),
            nn.Linear(88 * output_size(height) * output_size(width), spec.outputs),  # 88·4·4 = 1408
        )


def output_size(size: int) -> int:
    """How many pixels are left of `size` after twice a 5×5 convolution and 2×2 pooling."""
    pooled = (size - 4) // 2
    if pooled < 6:
        raise ValueError(
            f"a side of {size} pixels is too small: ({size} - 5 + 1) / 2 = {pooled}, "
            f"and the second 5x5 convolution with 2x2 pooling needs at least 6"
        )
    return (pooled - 4) // 2


LECTURE = Lecture(
    title="GoogLeNet",
    title_zh="GoogLeNet（Inception）",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=GoogLeNet,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=InceptionHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.05, "epochs": 20}},
)
