"""The exercise of lecture 10: three convolutions and three linear layers. Is deeper better?

Three rounds of convolution, ReLU and pooling, then three linear layers. A 5×5 kernel takes 4
pixels off each side, too much for a third round: 28 → 12 → 4 → nothing. So the kernels are
3×3 and `padding=1` puts a ring of zeros around the image, which keeps its size; only pooling
halves it (28 → 14 → 7 → 3, the odd pixel of 7 is left out):

    1×28×28  Conv 3×3, 16   ReLU, pool   16×14×14
             Conv 3×3, 32   ReLU, pool   32×7×7
             Conv 3×3, 64   ReLU, pool   64×3×3 = 576
             Linear 576 → 128 → 64 → 10

    size after a convolution:  size + 2·padding − kernel + 1

Small kernels in sequence see as far as a large one: two 3×3 see 5×5 pixels, with 18 weights
instead of 25 and a nonlinearity in between. That is why deep networks are built of 3×3.

There are 106 058 weights, 73 856 of them in the first linear layer alone.

## Try

    tutorch --no-tui deeper
    tutorch --no-tui deeper --dataset mnist                    # about 98.7 % in 10 epochs
    tutorch --no-tui deeper --channels 8,16,32 --widths 64,32  # a quarter of the weights
    tutorch --no-tui deeper --channels 32,64,128 --widths 256,128
    tutorch --no-tui deeper --sweep activation=relu,tanh,sigmoid
    tutorch --no-tui deeper --kernel-size 5

Compare them with lecture 10's 98.7 % from 8 490 weights, and fairly: same seed, same epochs,
same optimizer, and more than one seed before you believe a difference of 0.1 points. (On
10 000 test images, 0.1 points are 10 images.)

## The trap

- Deeper nets **start slower**. Six layers of plain SGD begin with small gradients; in the first
  epochs the loss may hardly move from log 10 = 2.30. Don't stop there, and don't compare two
  networks after one epoch. With sigmoids it doesn't get going at all: five slopes of at most
  1/4 leave 1/1024 of the gradient to the first layer.
- An even kernel can't be padded to the same size: 4×4 with padding 2 gives one pixel more.
- Most weights are in the first layer after flattening. To make such a network smaller, pool once
  more or narrow that layer; the convolutions are cheap already.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, ImageHyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class DeeperHyperparameters(ImageHyperparameters):
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
    views=(
        "feature_maps",
        "drawing",
        "kernels",
        "layers",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "activations",
        "four_steps",
    ),
    hyperparameters=DeeperHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
