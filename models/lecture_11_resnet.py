"""Shortcuts carry the gradient back to the first layers of a deep network: ResNet.

Deeper networks should be at least as good: the added layers could simply pass on their input.
But plain networks get *worse* beyond some depth, on the train set, too. This isn't overfitting:
they can't be trained. Back propagation multiplies one factor per layer, and the product of many
factors below 1 is nearly 0: the gradient vanishes before it reaches the first layers.

A residual block adds its input to its result:

    F(x) = conv(relu(conv(x)))         two 3×3 convolutions with padding 1
    H(x) = relu(x + F(x))

The derivative of x + F(x) is 1 + F′(x). Where F′ is tiny, a factor of about 1 is left, and the
gradient passes the block. The block has to learn only the *difference* from its input, hence
"residual"; to pass on the input, it has to learn nothing: F = 0.

    Conv 5×5, 16 → ReLU, pool → block → Conv 5×5, 32 → ReLU, pool → block → Linear 512 → 10

41 514 weights; about 99.0 % on MNIST in 10 epochs.

## Try

    tutorch --no-tui resnet --dataset mnist
    tutorch --no-tui resnet --blocks 4 --shortcut none           # 19 layers, plain: 10 %
    tutorch --no-tui resnet --blocks 4 --shortcut identity       # 19 layers, residual: 97 %
    tutorch --no-tui resnet --sweep blocks=1,2,4,8 --sweep shortcut=none,identity
    tutorch --no-tui resnet --blocks 4 --sweep "shortcut=identity,constant scaling,conv 1x1"
    tutorch --no-tui resnet --dataset mnist --sweep "shortcut=identity,constant scaling,conv 1x1"

The last two are the exercise from He's second paper. `constant scaling` is relu(x/2 + F/2): the
factor 1 becomes 1/2, and n blocks make it 1/2ⁿ. `conv 1x1` is relu(W·x + F): more weights, yet
the direct path is gone. With a single block in each half it hardly matters (99.06, 98.93 and
98.83 % on MNIST for one seed); with four, only the identity still learns.

## The trap

- **Add first, then ReLU.** relu(F(x)) + x could only increase x: F would lose its negative half.
- x and F(x) must have the same shape, to the pixel and to the channel. Within a block nothing
  may change it, so pooling and more channels come between the blocks. (The published networks
  change it inside some blocks, and use a 1×1 convolution with a stride for that shortcut.)
- One seed proves little. 99.06 against 98.93 is a difference of 13 images in 10 000.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from torch import Tensor, nn

from models.lecture import DataSpec, ImageHyperparameters, Lecture, Range


@dataclass(frozen=True, kw_only=True)
class ResNetHyperparameters(ImageHyperparameters):
    """The shortcut around the convolutions of a block, and the number of blocks."""

    shortcut: Literal["none", "identity", "constant scaling", "conv 1x1"] = "identity"
    """A block computes relu(F), relu(x + F), relu(x/2 + F/2) or relu(W·x + F), in this order."""

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
    views=(
        "gradients",
        "drawing",
        "layers",
        "feature_maps",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "four_steps",
    ),
    hyperparameters=ResNetHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.05, "epochs": 20}},
)
