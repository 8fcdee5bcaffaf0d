"""x"""

from dataclasses import dataclass
from typing import Annotated, Literal

from torch import Tensor, nn

from models.lecture import DataSpec, Hyperparameters, Lecture, Range


@dataclass(frozen=True, kw_only=True)
class ResNetHyperparameters(Hyperparameters):
    """What runs past the convolutions of a block, and how many blocks there are."""

    shortcut: Literal["none", "identity", "constant scaling", "conv 1x1"] = "identity"
    """Block: none relu(F), identity relu(x+F), constant scaling relu(x/2+F/2), conv relu(Wx+F)."""

    blocks: Annotated[int, Range(minimum=1)] = 1
    """Residual blocks after each of the two convolutions; each block is two more layers."""


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + F(x)), where F is two 3×3 convolutions that keep the shape."""

    def __init__(self, channels: int, shortcut: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )
        self.shortcut = shortcut
        if shortcut == "conv 1x1":
            self.conv = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """An image of the same shape as x."""
        residual = self.residual(x)
        match self.shortcut:
            case "none":
                return residual.relu()
            case "identity":
                return (x + residual).relu()
            case "constant scaling":
                return (0.5 * x + 0.5 * residual).relu()
            case _:
                return (self.conv(x) + residual).relu()


class ResNet(nn.Sequential):
    """A logit per class from two convolutions, each followed by residual blocks."""

    def __init__(self, spec: DataSpec, hyperparameters: ResNetHyperparameters) -> None:
        channels, height, width = spec.input_shape

        def blocks(channels: int) -> nn.Module:
            count, shortcut = hyperparameters.blocks, hyperparameters.shortcut
            return nn.Sequential(*(ResidualBlock(channels, shortcut) for _ in range(count)))

        super().__init__(
            nn.Conv2d(channels, 16, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            blocks(16),
            nn.Conv2d(16, 32, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            blocks(32),
            nn.Flatten(),
            nn.Linear(32 * output_size(height) * output_size(width), spec.outputs),  # 32·4·4 = 512
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
    title="ResNet",
    title_zh="残差网络 ResNet",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=ResNet,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=ResNetHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.05, "epochs": 20}},
)
