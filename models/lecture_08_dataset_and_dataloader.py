"""x"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class LoaderHyperparameters(Hyperparameters):
    """How a DataLoader hands out batches, and the network of lecture 7."""

    drop_last: bool = False
    """Leave out the last batch of an epoch when it is smaller than the others."""

    workers: Annotated[int, Range(minimum=0)] = 0
    """Processes that read samples ahead; 0 reads in the training process itself."""

    widths: Annotated[tuple[int, ...], Range(minimum=1)] = (6, 4)
    """Neurons of each hidden layer."""

    activation: Activation = "sigmoid"
    """What comes after each hidden layer; the sigmoid after the last one is the criterion's."""


class BinaryClassifier(nn.Sequential):
    """A logit from several features, through two hidden layers."""

    def __init__(self, spec: DataSpec, hyperparameters: LoaderHyperparameters) -> None:
        sizes = (*spec.input_shape, *hyperparameters.widths)  # 8, 6, 4
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), activation(hyperparameters.activation)]
        super().__init__(*layers, nn.Linear(sizes[-1], spec.outputs))


LECTURE = Lecture(
    title="Dataset and DataLoader",
    title_zh="加载数据集",
    datasets=("breast-cancer", "diabetes-split"),
    model=BinaryClassifier,
    criterion=nn.BCEWithLogitsLoss,
    data_loader=True,
    hyperparameters=LoaderHyperparameters(epochs=100, batch_size=32, shuffle=True, lr=0.01),
)
