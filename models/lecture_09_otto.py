"""The exercise of lecture 9: nine categories of products, and when to stop.

The Otto Group's challenge on Kaggle: 61 878 products, each with 93 counts whose meaning isn't
published; which of nine categories is each in? The network is lecture 9's with other sizes,
93 → 256 → 128 → 64 → 9, and Adam. The ranking was by log-loss, which is the cross-entropy that
we train with:

    log-loss = −1/N · Σ log P(the true category)

So the best model here is the one with the lowest test *loss*, not the highest accuracy. The two
diverge: after about 5 epochs the loss on held-out products rises again, while the accuracy stays
at 80 % and on the train set rises to 95 %. The network memorises products. It becomes more and
more confident, and log-loss punishes confident errors: P = 0.001 for the true category costs
6.9, P = 0.2 only 1.6.

## Try

    tutorch --no-tui otto --dataset otto                        # best log-loss about 0.51
    tutorch --no-tui otto --dataset otto --dropout 0.3 --epochs 30  # turns up later, and lower
    tutorch --no-tui otto --dataset otto --weight-decay 0.0001
    tutorch --no-tui otto --dataset otto --early-stopping 3     # stops itself at the turn
    tutorch --no-tui otto --dataset otto --widths 512,256 --dropout 0.5
    tutorch --no-tui otto                                       # the same net, offline

**Dropout** sets a random share of a layer's outputs to zero at each training step, so that no
neuron can rely on a single other one; the rest is scaled up. In `model.eval()` nothing is
dropped: this is the first network here that behaves differently in training and in testing.

Gradient-boosted trees reach 0.47 to 0.48 on this table. Guessing costs log 9 = 2.20, and "always
category 2" is right for 26.1 %.

## The trap

- **The file is sorted by category.** Without shuffling, the network sees one category for
  hundreds of steps and forgets the one before; and the last 20 % cut off as a test set would
  hold categories it never saw. The split has to be stratified: the same shares in each part.
- The first column, `id`, follows the order of the file and with it the category. With it as an
  input the network is brilliant, until the real test.
- The counts go from 0 (four out of five) to 352. They are standardised first.
- "Class_1" is a word; cross-entropy wants the number 0. One-hot targets are not needed.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class OttoHyperparameters(Hyperparameters):
    """The shape of a fully connected network with dropout."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (256, 128, 64)
    """Neurons of each hidden layer."""

    activation: Activation = "relu"
    """What comes after each hidden layer; never after the last one."""

    dropout: Annotated[float, Range(minimum=0, below=1)] = 0.0
    """Share of each hidden layer's outputs that training sets to zero, drawn anew each step."""


class OttoClassifier(nn.Sequential):
    """A logit per category of product."""

    def __init__(self, spec: DataSpec, hyperparameters: OttoHyperparameters) -> None:
        sizes = (prod(spec.input_shape), *hyperparameters.widths)  # 93, 256, 128, 64
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(sizes):
            layers += [
                nn.Linear(inputs, outputs),
                activation(hyperparameters.activation),
                nn.Dropout(hyperparameters.dropout),
            ]
        super().__init__(*layers, nn.Linear(sizes[-1], spec.outputs))


LECTURE = Lecture(
    title="Otto Group products",
    title_zh="Otto商品分类",
    datasets=("digits", "otto"),
    model=OttoClassifier,
    criterion=nn.CrossEntropyLoss,
    views=("confusion", "by_class", "mistakes", "changes", "softmax", "layers", "four_steps"),
    metric="loss",
    hyperparameters=OttoHyperparameters(optimizer="adam", lr=0.001, batch_size=64, epochs=10),
)
