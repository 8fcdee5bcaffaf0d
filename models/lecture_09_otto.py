"""x"""

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
    datasets=("otto", "digits"),
    model=OttoClassifier,
    criterion=nn.CrossEntropyLoss,
    metric="loss",
    hyperparameters=OttoHyperparameters(optimizer="adam", lr=0.001, batch_size=64, epochs=10),
)
