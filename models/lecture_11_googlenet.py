"""Which kernel size is right? All of them: Inception runs four paths side by side.

Is 3×3 better here or 5×5, or pooling? GoogLeNet (2014) doesn't choose. An Inception block sends
the image through four paths and concatenates the results along the channels:

    1×1 convolution                              16 channels
    1×1, then 5×5 (padding 2)                    24
    1×1, then 3×3 (padding 1), 3×3 (padding 1)   24
    3×3 average pooling (stride 1), then 1×1     24      together 88

Training decides which path counts. Joining them works because every path keeps height and
width (hence the padding, and a pooling with stride 1): batch, height and width must agree, and
`torch.cat(..., dim=1)` adds up the channels. The whole network, 97 298 weights:

    Conv 5×5, 10 → pool, ReLU → Inception → Conv 5×5, 20 → pool, ReLU → Inception → Linear 1408→10

**Why 1×1?** It sees a single pixel, but all of its channels, and computes new ones from them: it
changes the number of channels at little cost. From 192 to 32 channels of 28×28, multiplications:

    5×5 directly           28² · 5² · 192 · 32                       = 120 422 400
    1×1 to 16, then 5×5    28² · 1² · 192 · 16 + 28² · 5² · 16 · 32  =  12 443 648

A tenth. (The slide has a slip in the last sum.) 1×1 convolutions also put a network inside each
pixel, when an activation follows them.

## Try

    tutorch --no-tui googlenet --dataset mnist                         # best about 98.7 to 98.9 %
    tutorch --no-tui googlenet --inner-activation relu
    tutorch --no-tui googlenet --sweep reduction=4,16,64
    tutorch --no-tui googlenet --dataset cifar10 --optimizer adam --lr 0.001 --epochs 20

The course puts no activation *inside* the block. Then 1×1 followed by 5×5 is one linear map of
few channels, so the block saves weights but adds no bends; the published network has a ReLU
after each convolution: `--inner-activation relu`.

## The trap

**The last epoch is not the best one.** In the course's own run the ninth epoch has 98.88 % and
the tenth 98.66 %. So save the model at each new best (here: best.pt, always). Because this
chooses the epoch by the test set, its accuracy is a little too good: `--validation 0.1` chooses
it by images held out of the train set, and uses the test set once.

With a large lr such a network can stay at 10 % for good: below 0.1 it is safer.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from models.lecture import Activation, DataSpec, ImageHyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class InceptionHyperparameters(ImageHyperparameters):
    """The settings of an Inception block."""

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
        """The paths' results, concatenated along the channels."""
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
    views=(
        "layers",
        "drawing",
        "one_by_one",
        "feature_maps",
        "gradients",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "four_steps",
    ),
    hyperparameters=InceptionHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.05, "epochs": 20}},
)
