"""x"""

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
    hyperparameters=NetworkHyperparameters(epochs=100, batch_size="full", shuffle=False, lr=0.1),
)
