"""Many features and several layers, and what it looks like when a network learns nothing.

A patient is not one number. N samples of 8 features are a matrix of N rows, and one linear layer
treats all of them at once, `Z = X·Wᵀ + b`. `nn.Linear(8, 6)` takes each sample from 8 numbers
to 6; here three such layers follow each other, 8 → 6 → 4 → 1, each but the last with an
activation behind it:

    X (N, 8) → Linear 8→6 → σ → Linear 6→4 → σ → Linear 4→1 → logit (N, 1)

The activations matter. Two linear layers in a row are one linear layer, since
(X·A)·B = X·(A·B); a nonlinearity between them lets the network follow curves.

The rest is lecture 6, with two differences: the loss is the mean, and lr is 0.1. Every step
still takes all rows (the next lecture takes some at a time).

## Try

    tutorch --no-tui 07                                    # 63 %: looks like something ...
    tutorch --no-tui 07 --activation tanh                  # 97 to 99 %, in the same 100 epochs
    tutorch --no-tui 07 --dataset diabetes                 # the course's data: 65.35 %
    tutorch --no-tui 07 --dataset diabetes --activation tanh --epochs 1000     # 76 % and more
    tutorch --no-tui 07 --dataset circles --sweep activation=identity,tanh     # a line can't
    tutorch --no-tui 07 --dataset moons --widths 16,16

## The trap: a plateau that looks like a result

63 % of the tumours are benign, and 65.35 % of the diabetes rows are of one class. A network that
predicts the same for every row scores exactly that, and its loss is the entropy of these shares:

    −(0.6535·log 0.6535 + 0.3465·log 0.3465) = 0.6453

With sigmoids in the hidden layers, as in the course, the network doesn't get beyond that in 100
epochs, and on diabetes not in 1000 either. Its outputs differ by 0.001 from row to row. The slope
of σ is at most 1/4, and each layer multiplies the gradient by it; its outputs are all positive
and near 0.5, so the next layer sees almost a constant. tanh has slope 1 and is centred at 0.
ReLU is as good, except for the seeds whose neurons all start on its flat side (here 1 in 5).
**Always compare with the majority class first.**

- The activation belongs after *hidden* layers. After the last one a ReLU would make the
  probability 0 or above 1, and the loss log(0): 65.35, or an error. So `activation` doesn't apply
  to the last layer.
- Targets must be (N, 1): `xy[:, [-1]]` is a column, `xy[:, -1]` a row of numbers.
- In the course's diabetes file 1 means *not* diabetic. It has nothing to do with scikit-learn's
  `load_diabetes`, which is a different study. Its accuracy is measured on the rows it was trained
  on, as in the course; lecture 8 holds some out.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class NetworkHyperparameters(Hyperparameters):
    """The shape of a small network."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (6, 4)
    """Neurons of each hidden layer."""

    activation: Activation = "sigmoid"
    """What comes after each hidden layer; the sigmoid after the last one is the criterion's."""


class MultipleDimensionInput(nn.Sequential):
    """A logit from several features, through two hidden layers."""

    def __init__(self, spec: DataSpec, hyperparameters: NetworkHyperparameters) -> None:
        sizes = (*spec.input_shape, *hyperparameters.widths)  # 8, 6, 4
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), activation(hyperparameters.activation)]
        super().__init__(*layers, nn.Linear(sizes[-1], spec.outputs))


LECTURE = Lecture(
    title="Multiple dimension input",
    title_zh="处理多维特征的输入",
    datasets=("breast-cancer", "diabetes", "moons", "circles"),
    model=MultipleDimensionInput,
    criterion=nn.BCEWithLogitsLoss,
    views=(
        "boundary",
        "by_class",
        "activations",
        "confusion",
        "gradients",
        "layers",
        "answer",
        "four_steps",
    ),
    hyperparameters=NetworkHyperparameters(epochs=100, batch_size="full", shuffle=False, lr=0.1),
    overrides={
        "moons": {"activation": "tanh", "lr": 0.5, "epochs": 1000},
        "circles": {"activation": "tanh", "lr": 0.5, "epochs": 1000},
    },
)
