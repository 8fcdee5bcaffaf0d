"""Ten classes at once: a fully connected network that reads digits.

Ten answers "is it a 3?" of lecture 6 would not fit together: their probabilities need not add
up to 1. Softmax makes them: exponentials are positive, and divided by their sum they add up to 1.

    P(class i) = e^zᵢ / Σⱼ e^zⱼ             z: the 10 logits
    loss       = −log P(the true class)      (cross-entropy)

With logits (0.2, 0.1, −0.1) and class 0 the true one, the loss is 0.9729. Guessing costs
log 10 = 2.30 with ten classes, which is where every curve begins.

A 28×28 image is flattened into 784 numbers, four layers shrink them (512, 256, 128, 64), and a
fifth outputs the logits: 575 050 weights. The pixels are normalised first,
(x − 0.1307) / 0.3081 for MNIST: networks learn best from inputs of mean 0 and standard
deviation 1.

## Try

    tutorch --no-tui softmax                              # digits: 1797 real scans, 20 epochs
    tutorch --no-tui softmax --dataset mnist              # the course's: about 97.6 % in 10 epochs
    tutorch --no-tui softmax --lr 0.01 --epochs 10        # MNIST's settings: 1437 scans are few
    tutorch --no-tui softmax --activation identity        # five layers, equal to one
    tutorch --no-tui softmax --widths 32                  # one hidden layer of 32
    tutorch --no-tui softmax --sweep momentum=0,0.5,0.9

Why does 97 to 98 % seem a ceiling on MNIST? Each pixel has separate weights, so the network
doesn't know that neighbours belong together, nor that a 7 moved by two pixels is still a 7.
The next lecture adds that.

## The trap

- **No softmax at the end, and no activation.** `nn.CrossEntropyLoss` is log-softmax and
  negative log-likelihood (`NLLLoss`) in one, because log(eᶻ / Σeᶻ) = z − log Σeᶻ can be
  computed without ever making the e¹⁰⁰ that overflows. A softmax before it is applied twice:
  the probabilities 0 to 1 become its logits, and with ten classes the loss can't fall below
  1.46. A ReLU at the end takes the negative logits away.
- Targets are class numbers (int64), not one-hot vectors.
- Measuring accuracy: `predicted = outputs.argmax(dim=1)`, under `torch.no_grad()`. Count with
  `total += labels.size(0)` and not with the batch size, since the last batch is smaller.
- A test accuracy of 99.9 % usually means that the train set was loaded twice. Check the sizes
  that are printed first: 60 000 to train on and 10 000 to test on for MNIST.
- The slides' losses are sums over 300 batches divided by 2000, so 6.67 times too small. Here
  the loss is the mean per sample.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, ImageHyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class NetworkHyperparameters(ImageHyperparameters):
    """The shape of a fully connected network."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (512, 256, 128, 64)
    """Neurons of each hidden layer."""

    activation: Activation = "relu"
    """What comes after each hidden layer; never after the last one."""


class SoftmaxClassifier(nn.Sequential):
    """A logit per class from fully connected layers."""

    def __init__(self, spec: DataSpec, hyperparameters: NetworkHyperparameters) -> None:
        sizes = (prod(spec.input_shape), *hyperparameters.widths)  # 784, 512, 256, 128, 64
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), activation(hyperparameters.activation)]
        layers += [nn.Linear(sizes[-1], spec.outputs)]
        super().__init__(*layers)


LECTURE = Lecture(
    title="Softmax classifier",
    title_zh="多分类问题",
    datasets=("digits", "mnist", "fashion-mnist", "cifar10"),
    model=SoftmaxClassifier,
    criterion=nn.CrossEntropyLoss,
    views=(
        "confusion",
        "drawing",
        "mistakes",
        "changes",
        "samples",
        "softmax",
        "by_class",
        "layers",
        "activations",
        "four_steps",
    ),
    hyperparameters=NetworkHyperparameters(lr=0.01, momentum=0.5, batch_size=64, epochs=10),
    overrides={"digits": {"lr": 0.1, "epochs": 20}},  # 1 437 scans want longer steps than 60 000
)
