"""x"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class TitanicHyperparameters(Hyperparameters):
    """How a DataLoader hands out batches, and the shape of the network."""

    drop_last: bool = False
    """Leave out the last batch of an epoch when it is smaller than the others."""

    workers: Annotated[int, Range(minimum=0)] = 0
    """Processes that read samples ahead; 0 reads in the training process itself."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (16, 8)
    """Neurons of each hidden layer."""

    activation: Activation = "relu"
    """What comes after each hidden layer; never after the last one."""


class Titanic(nn.Sequential):
    """The logit of having survived, from a passenger's features."""

    def __init__(self, spec: DataSpec, hyperparameters: TitanicHyperparameters) -> None:
        sizes = (*spec.input_shape, *hyperparameters.widths)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), activation(hyperparameters.activation)]
        super().__init__(*layers, nn.Linear(sizes[-1], spec.outputs))


LECTURE = Lecture(
    title="Titanic",
    title_zh="泰坦尼克号乘客生存预测",
    datasets=("titanic", "breast-cancer"),
    model=Titanic,
    criterion=nn.BCEWithLogitsLoss,
    data_loader=True,
    hyperparameters=TitanicHyperparameters(optimizer="adam", lr=0.001, batch_size=32, epochs=200),
)
