"""The network that started it: LeNet-5, 1998, which read the amounts on bank cheques.

Convolution, pooling, convolution, pooling, then linear layers: the structure of lecture 10 was
twenty years old. Yann LeCun's network has seven layers, C for convolution, S for subsampling,
F for fully connected:

    32×32   C1  6 kernels 5×5     6×28×28
            S2  average 2×2       6×14×14
            C3  16 kernels 5×5    16×10×10
            S4  average 2×2       16×5×5
            C5  120 kernels 5×5   120×1×1
            F6                    84
            output                10          61 706 weights

Why 32×32 when the digits are 28×28? So that the ends of a stroke can be in the middle of what a
C1 kernel sees, not only at its edge. We add two rows of zeros around the image. C5 is a
convolution that covers all of its 5×5 input, so it equals a linear layer from 400 to 120.

Two things that are no longer done are left out: C3 connected only some pairs of channels (to
save weights), and the outputs measured distances to drawn prototypes of the digits. Here C3
connects all, and the outputs are logits.

## Try

    tutorch --no-tui lenet --dataset mnist                                  # about 98.2 %
    tutorch --no-tui lenet --dataset mnist --activation relu --pooling max  # about 98.9 %
    tutorch --no-tui lenet --dataset mnist --lr 0.05 --momentum 0.9         # tanh, faster: 99 %
    tutorch --no-tui lenet --sweep activation=tanh,relu --sweep pooling=average,max
    tutorch --no-tui lenet --dataset cifar10                                # 3×32×32 in colour

The second line has the changes that later networks made. tanh is flat on both sides, and where it
is flat no gradient passes; ReLU is flat on one side. An average blurs a thin stroke, a maximum
keeps it. But try the third line, too: with a better learning rate the old network catches up.
Part of the gain of a new architecture is often only that it tolerates poor settings.

## The trap

Changing two things at once tells you nothing about either. The sweep above has four runs from
the same seed, one for each combination: read it as a table, tanh against ReLU in the rows,
average against max in the columns.
"""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from models.lecture import Activation, DataSpec, ImageHyperparameters, Lecture, activation


@dataclass(frozen=True, kw_only=True)
class LeNetHyperparameters(ImageHyperparameters):
    """The parts of LeNet-5 that later networks changed."""

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
            nn.AdaptiveAvgPool2d((min(height, 32), min(width, 32))),  # larger images, made smaller
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
    missing = max(0, 32 - size)
    return missing // 2, missing - missing // 2


LECTURE = Lecture(
    title="LeNet-5",
    title_zh="LeNet-5",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=LeNet5,
    criterion=nn.CrossEntropyLoss,
    views=(
        "feature_maps",
        "drawing",
        "layers",
        "gradients",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "activations",
        "four_steps",
    ),
    hyperparameters=LeNetHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
