"""How fast can CIFAR-10 be learned? To 94 % in 2.6 seconds, with a CNN like those of this lecture.

Keller Jordan's airbench (2024) trains it in 2.59 s on one A100: eight epochs, 200 steps, 94.01 %
on average over 200 runs. The network is plain: a 2×2 convolution, three blocks of two 3×3
convolutions with pooling, one linear layer.

    3×32×32 → 24×31×31 → 64×15×15 → 256×7×7 → 256×3×3 → maximum of each channel → 10

Tricks save the time. Each is a setting here: switch one off and compare.

- **`whitening`**: neighbouring pixels are nearly equal; uncorrelated inputs are easier to learn
  from. So the first filters are computed: the eigenvectors of the covariance of all 2×2 patches in
  5000 images, each divided by its standard deviation. They and their negatives are never trained.
- **`dirac`**: a convolution starts with kernels that are 1 in the middle and 0 elsewhere. It passes
  its input on, as ResNet's shortcut does.
- **`augment`**: once an epoch all images are shifted by up to 2 pixels, on the GPU, and in *every
  other* epoch mirrored. A coin would show many images the same way round twice.
- **`label_smoothing`**: the target is 0.82 for the right class and 0.02 for each of the others, so
  nearly sure is sure enough. No loss falls below the target's entropy, 0.87.
- **`bias_lr`, `head_lr`**: groups of weights have their own lr. BatchNorm has no scale here; its
  biases have 440 times the lr of the filters. Those of the first layer stop after three epochs.
- **`nesterov`, `lr_schedule linear`**: the lr is largest in the first step and falls to 0.
- **`filters muon`**: a plain step follows the few directions with large singular values. Muon moves
  all of them near 1: the gradient UΣVᵀ becomes about UVᵀ, by matrix products alone.
- **`test_flip`**: the mean of the logits of an image and its mirror image errs less often. It costs
  twice the work, so it is a value of its own: `test_flip_accuracy`.
- **Half precision**: `--precision bf16` lets a GPU move half the data and multiply faster.

## Try

    tutorch --no-tui airbench                                         # digits: 99 % in 8 epochs
    tutorch --no-tui airbench --sweep whitening=true,false --sweep dirac=true,false
    tutorch --no-tui airbench --sweep filters=muon,sgd --sweep seed=0,1,2
    tutorch --no-tui airbench --dataset cifar10 --device cuda --precision bf16
    tutorch --no-tui airbench --dataset cifar10 --device cuda --sweep label_smoothing=0,0.1,0.2

Two million weights and 118 million multiplications an image: CIFAR-10 needs a GPU. How fast and
how well it trains here wasn't measured yet. The record also shifts each test image by a pixel, and
its lrs are for the sum of a batch's losses; here they are converted for the mean.

## The trap

One run proves nothing: the record is a mean over 200 runs. On the digits three seeds end at 98.9,
99.2 and 99.4 %; without whitening, without dirac or with sgd it is also 98.9 to 99.4 %. To see what
a trick is worth, take harder data, and compare means over many seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from models.lecture import DataSpec, ImageHyperparameters, Lecture, OnlyWith, ParameterGroup, Range


@dataclass(frozen=True, kw_only=True)
class AirbenchHyperparameters(ImageHyperparameters):
    """The tricks of the record that aren't settings of every lecture."""

    whitening: bool = True
    """Compute the first layer from the images, and don't train its filters."""

    dirac: bool = True
    """Start with convolutions that pass on their input."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (64, 256, 256)
    """Channels of each block."""

    filters: Annotated[Literal["muon", "sgd"], OnlyWith("optimizer", ("sgd",))] = "muon"
    """The steps of the blocks' filters: muon gives all directions the same length."""

    bias_lr: Annotated[float, Range(above=0), OnlyWith("optimizer", ("sgd",))] = 106.0
    """The lr of the biases; `lr` is that of the filters."""

    head_lr: Annotated[float, Range(above=0), OnlyWith("optimizer", ("sgd",))] = 0.02
    """The lr of the last layer."""

    label_smoothing: Annotated[float, Range(minimum=0, below=1)] = 0.2
    """The share of the target that is spread evenly over all classes."""

    test_flip: bool = True
    """Also measure the accuracy of the mean of the logits for an image and its mirror image."""


class Airbench(nn.Module):
    """A logit per class: a whitening convolution, blocks that halve the sides, a linear layer."""

    def __init__(self, spec: DataSpec, hyperparameters: AirbenchHyperparameters) -> None:
        super().__init__()
        channels, first = spec.input_shape[0], 8 * spec.input_shape[0]
        widths = (first, *hyperparameters.widths)
        self.whitening = nn.Conv2d(channels, first, kernel_size=2)
        self.whitening.weight.requires_grad_(not hyperparameters.whitening)
        self.blocks = nn.Sequential(
            nn.GELU(),
            *(block(*pair, dirac=hyperparameters.dirac) for pair in pairwise(widths)),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(widths[-1], spec.outputs, bias=False)
        nn.init.normal_(self.head.weight, std=1 / widths[-1])  # so that the first logits are small

    def forward(self, x: Tensor) -> Tensor:
        """The logits (N, classes)."""
        return self.head(self.blocks(self.whitening(x)))


def block(inputs: int, outputs: int, *, dirac: bool) -> nn.Module:
    """Two 3×3 convolutions; pooling after the first halves the sides."""
    layers = nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(outputs, momentum=0.4),
        nn.GELU(),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.4),
        nn.GELU(),
    )
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.requires_grad_(False)  # the scale stays 1; only the bias is trained
        if isinstance(layer, nn.Conv2d) and dirac:
            nn.init.dirac_(layer.weight[: layer.in_channels])
    return layers


def whiten(model: Airbench, images: Tensor) -> None:
    """Set the first layer's filters so that its outputs on patches of `images` are uncorrelated.

    They are the eigenvectors of the patches' covariance, each divided by the standard deviation
    along it, and their negatives.
    """
    weight = model.whitening.weight
    if weight.requires_grad:
        return  # it is trained like the others
    patches = nn.functional.unfold(images[:5000], kernel_size=2).transpose(1, 2).flatten(0, 1)
    covariance = patches.T @ patches / len(patches)  # a small matrix: 12×12 for three channels
    variances, directions = torch.linalg.eigh(covariance.cpu())
    filters = directions.T / (variances + 5e-4).sqrt()[:, None]
    with torch.no_grad():
        weight.copy_(torch.cat([filters, -filters]).view_as(weight))


def groups(model: Airbench, hp: AirbenchHyperparameters) -> list[ParameterGroup]:
    """Biases, last layer and filters, each with its own lr. In a step at the full lr each weight
    but Muon's decays by the share `weight_decay`.
    """
    if hp.optimizer != "sgd":
        return []  # the others find a step size for each weight

    def group(
        weights: Sequence[Tensor], lr: float, share: float = 1.0, muon: float | None = None
    ) -> ParameterGroup:
        decay = hp.weight_decay / lr  # which sgd multiplies by the lr
        return ParameterGroup(
            weights=weights, lr_factor=lr / hp.lr, weight_decay=decay, share=share, muon=muon
        )

    filters = [weight for weight in model.parameters() if weight.ndim == 4 and weight.requires_grad]
    biases = [bias for name, bias in model.blocks.named_parameters() if name.endswith("bias")]
    first = model.whitening.bias
    assert first is not None
    return [
        group([first], hp.bias_lr, share=3 / 8),
        group(biases, hp.bias_lr),
        group([model.head.weight], hp.head_lr),
        group(filters, hp.lr, muon=0.6 if hp.filters == "muon" else None),
    ]


def criterion(hp: AirbenchHyperparameters) -> nn.Module:
    """Cross entropy with smoothed labels."""
    return nn.CrossEntropyLoss(label_smoothing=hp.label_smoothing)


LECTURE = Lecture(
    title="Airbench",
    title_zh="几秒训练 CIFAR-10",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=Airbench,
    criterion=criterion,
    prepare=whiten,
    parameter_groups=groups,
    views=(
        "layers",
        "drawing",
        "feature_maps",
        "gradients",
        "confusion",
        "mistakes",
        "changes",
        "samples",
        "four_steps",
    ),
    hyperparameters=AirbenchHyperparameters(
        lr=0.24,
        momentum=0.85,
        nesterov=True,
        weight_decay=0.004,
        lr_schedule="linear",
        batch_size=2000,
        epochs=8,
        augment="alternating flip and shift",
    ),
    overrides={
        "digits": {
            "widths": (16, 32, 32),
            "batch_size": 64,
            "bias_lr": 10.0,  # a batch of 64 has a noisier gradient than one of 2000
            "head_lr": 0.003,
            "augment": "none",  # a mirrored digit is none
            "test_flip": False,
        },
        "mnist": {"augment": "none", "test_flip": False},
        "filters=sgd": {"lr": 1.5},
    },
)
