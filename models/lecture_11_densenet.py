"""Don't add, append: in DenseNet each layer sees the outputs of all layers before it.

ResNet adds the input to the result and so mixes the two. DenseNet (2017) keeps both: a layer's
few new channels are appended to all earlier ones, and the next layer reads all of them.

    ResNet     x ← x + F(x)
    DenseNet   x ← [x, F(x)]           F: BatchNorm → ReLU → Conv 3×3 with 12 kernels

Nothing has to be learned twice, because all later layers see an early layer's output; so each
can be narrow. The number of channels that a layer adds is the **growth**, 12 here. And the
gradient has a direct path back to every layer. Channels, with 5 layers to a dense block:

    stem, Conv 3×3                 16
    dense block, 5 · 12 more       16 + 60 = 76          28×28
    transition, Conv 1×1 and pool  76 / 2  = 38          14×14
    dense block, 5 · 12 more       38 + 60 = 98
    mean over the whole image      98 numbers, Linear 98 → 10

Without the transition the channels would only grow: its 1×1 convolution halves them, its pooling
halves the sides. Instead of flattening an image, **global average pooling** computes one mean
per channel: it has no weights, and any image size fits. There are 60 470 weights.

**Batch normalisation** is new here: subtract a channel's mean over the batch, divide by its
standard deviation, then scale and shift by two learned numbers. Every layer then gets inputs
of a known size, and larger learning rates become safe: 0.1 with momentum 0.9 here, brought down
to 0 along a cosine.

## Try

    tutorch --no-tui densenet
    tutorch --no-tui densenet --dataset mnist --epochs 1   # 98.6 % after a single epoch
    tutorch --no-tui densenet --dataset mnist --device cuda
    tutorch --no-tui densenet --sweep growth=4,12,24
    tutorch --no-tui densenet --layers 2
    tutorch --no-tui densenet --lr-schedule none           # see the second trap
    tutorch --no-tui densenet --batch-size 8               # BatchNorm with few samples

## The trap

- **train() and eval().** In training BatchNorm uses the batch's mean and remembers a running
  average; in `model.eval()` it uses that average. Without `eval()` a prediction depends on the
  other samples in the batch, and testing changes the model. (The trainer switches for you.)
- **The first epochs look broken**: the train loss falls while the test accuracy is 10 or 20 %.
  While the weights move fast the running average lags behind them. It catches up as the lr goes
  down: 98 to 99 % on the digits at the end. Try `--lr-schedule none` to see it go on.
- Few weights doesn't mean fast. The first block works on all 28×28 pixels: about 26 million
  multiplications per image. On a CPU an epoch of MNIST takes minutes; on a GPU, seconds.
- Appending costs memory: backward needs every intermediate result, and each is longer than the
  last.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from models.lecture import DataSpec, ImageHyperparameters, Lecture, Range


@dataclass(frozen=True, kw_only=True)
class DenseNetHyperparameters(ImageHyperparameters):
    """The size of the dense blocks."""

    growth: Annotated[int, Range(minimum=1)] = 12
    """Channels that each layer adds to its input."""

    layers: Annotated[int, Range(minimum=1)] = 5
    """Layers of each of the two dense blocks."""


class DenseLayer(nn.Module):
    """Appends `growth` new channels, computed from all input channels, to the input."""

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
    hyperparameters=DenseNetHyperparameters(
        lr=0.1, momentum=0.9, lr_schedule="cosine", batch_size=64, epochs=10
    ),
)
