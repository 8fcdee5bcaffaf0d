"""Look at neighbourhoods: convolution keeps an image an image.

The fully connected network of lecture 9 flattened the image and lost which pixels are neighbours.
A convolution slides a small kernel over the image and multiplies and adds at every position, with
the same weights everywhere, so a kernel that finds an edge here finds it there:

    1×28×28  Conv 5×5, 10 kernels   28 − 5 + 1 = 24   10×24×24
             max pool 2×2           24 / 2     = 12   10×12×12, then ReLU
             Conv 5×5, 20 kernels   12 − 5 + 1 =  8   20×8×8
             max pool 2×2            8 / 2     =  4   20×4×4, then ReLU
             flatten, Linear        20·4·4   = 320   10 logits

A layer from n to m channels has m kernels of shape n×5×5, one for each output channel; the image
size doesn't matter. In all there are 8 490 weights, a 67th of lecture 9's, and better results:
98.7 % instead of 97.6 % on MNIST.

By hand: the 3×3 kernel (1 2 3 / 4 5 6 / 7 8 9) at the corner (3 4 6 / 2 4 6 / 1 6 7) of an image
gives 3 + 8 + 18 + 8 + 20 + 36 + 7 + 48 + 63 = 211. `padding=1` puts a ring of zeros around the
image and so keeps its size; `stride=2` goes two pixels at a time and halves it; pooling takes
the largest of each 2×2 and has no weights.

## Try

    tutorch --no-tui 10_basic
    tutorch --no-tui 10_basic --dataset mnist               # at least 98.5 % in 10 epochs
    tutorch --no-tui 10_basic --sweep kernel_size=3,5,7
    tutorch --no-tui 10_basic --channels 20,40              # twice as wide: more, or just slower?
    tutorch --no-tui 10_basic --channels 10,20,40           # refused. Why? Count the sizes
    tutorch --no-tui 10_basic --device cuda                 # all of it on the GPU

Is 98.7 % instead of 97.6 % worth the trouble? The error falls from 2.4 % to 1.3 %: nearly half
of all mistakes are gone. Near the top, read the errors, not the accuracy.

## The trap

- **The size after flattening.** "mat1 and mat2 shapes cannot be multiplied" means that 320 was
  miscounted. Put a random image through the first layers and print the shape; or compute it, as
  `output_size` does below.
- Model, inputs and targets must be on one device, in training and in testing.
- ReLU before or after max pooling gives the same (both keep the order of numbers), but after it
  there is a quarter of the work. With average pooling it is not the same.
- The last layer has no activation, as in lecture 9: cross-entropy needs logits.
"""

from dataclasses import dataclass
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, ImageHyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class CNNHyperparameters(ImageHyperparameters):
    """The shape of a small convolutional network."""

    channels: Annotated[tuple[int, ...], Range(minimum=1)] = (10, 20)
    """Kernels of each convolution: as many channels come out of it."""

    kernel_size: Annotated[int, Range(minimum=1)] = 5
    """Side of the square kernels, in pixels."""

    activation: Activation = "relu"
    """What comes after each pooling."""


class BasicCNN(nn.Sequential):
    """A logit per class from (convolution, max pooling, activation) twice and one linear layer."""

    def __init__(self, spec: DataSpec, hyperparameters: CNNHyperparameters) -> None:
        channels, height, width = spec.input_shape
        layers: list[nn.Module] = []
        for outputs in hyperparameters.channels:
            height = output_size(height, hyperparameters.kernel_size)
            width = output_size(width, hyperparameters.kernel_size)
            layers += [
                nn.Conv2d(channels, outputs, hyperparameters.kernel_size),
                nn.MaxPool2d(2),
                activation(hyperparameters.activation),
            ]
            channels = outputs
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels * height * width, spec.outputs))


def output_size(size: int, kernel_size: int) -> int:
    """How many pixels are left of `size` after a convolution and 2×2 pooling."""
    convolved = size - kernel_size + 1
    if convolved < 2:
        raise ValueError(
            f"kernel size {kernel_size} is too large: a side of {size} pixels becomes "
            f"{size} - {kernel_size} + 1 = {convolved}, and 2x2 pooling needs at least 2"
        )
    return convolved // 2


LECTURE = Lecture(
    title="Basic CNN",
    title_zh="卷积神经网络（基础篇）",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=BasicCNN,
    criterion=nn.CrossEntropyLoss,
    views=(
        "feature_maps",
        "drawing",
        "kernels",
        "convolution",
        "layers",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "softmax",
        "four_steps",
    ),
    hyperparameters=CNNHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
