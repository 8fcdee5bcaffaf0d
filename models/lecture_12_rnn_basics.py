"""x"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from models.lecture import DataSpec, Hyperparameters, Lecture, OnlyWith, Range


@dataclass(frozen=True, kw_only=True)
class RNNHyperparameters(Hyperparameters):
    """Which of the three networks to train, and the shape of the third."""

    network: Literal["RNNCell", "RNN", "Embedding"] = "Embedding"
    """A cell in a loop of ours, the same done by nn.RNN, or embedding, RNN and linear layer."""

    embedding_size: Annotated[int, Range(minimum=1), OnlyWith("network", ("Embedding",))] = 10
    """Numbers that stand for one letter."""

    hidden_size: Annotated[int, Range(minimum=1), OnlyWith("network", ("Embedding",))] = 8
    """Numbers that the network remembers from one letter to the next."""

    layers: Annotated[int, Range(minimum=1), OnlyWith("network", ("Embedding",))] = 2
    """Recurrent layers on top of each other."""

    cell: Annotated[Literal["rnn", "lstm", "gru"], OnlyWith("network", ("Embedding",))] = "rnn"
    """What the recurrent layers are made of."""


class CellByCell(nn.Module):
    """One nn.RNNCell, called for each letter in turn; its hidden state is the logits."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letters = letters
        self.cell = nn.RNNCell(input_size=letters, hidden_size=letters)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, time) to logits (batch, letters, time)."""
        inputs = one_hot(x, self.letters).float()  # (batch, time, letters)
        hidden = inputs.new_zeros(len(x), self.letters)
        outputs = []
        for letter in inputs.unbind(dim=1):
            hidden = self.cell(letter, hidden)
            outputs.append(hidden)
        return torch.stack(outputs, dim=2)


class WholeSequence(nn.Module):
    """The same network; nn.RNN goes through the letters itself."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letters = letters
        self.rnn = nn.RNN(input_size=letters, hidden_size=letters, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, time) to logits (batch, letters, time)."""
        outputs, _ = self.rnn(one_hot(x, self.letters).float())
        return outputs.transpose(1, 2)


class WithEmbedding(nn.Module):
    """Letters become learned vectors, and a linear layer turns the hidden state into logits."""

    def __init__(self, letters: int, hyperparameters: RNNHyperparameters) -> None:
        super().__init__()
        recurrent = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[hyperparameters.cell]
        self.embedding = nn.Embedding(letters, hyperparameters.embedding_size)
        self.rnn = recurrent(
            input_size=hyperparameters.embedding_size,
            hidden_size=hyperparameters.hidden_size,
            num_layers=hyperparameters.layers,
            batch_first=True,
        )
        self.linear = nn.Linear(hyperparameters.hidden_size, letters)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, time) to logits (batch, letters, time)."""
        outputs, _ = self.rnn(self.embedding(x))  # (batch, time, hidden)
        return self.linear(outputs).transpose(1, 2)


def build_model(spec: DataSpec, hyperparameters: RNNHyperparameters) -> nn.Module:
    """The network that `network` names."""
    letters = len(spec.vocabulary)
    match hyperparameters.network:
        case "RNNCell":
            return CellByCell(letters)
        case "RNN":
            return WholeSequence(letters)
        case _:
            return WithEmbedding(letters, hyperparameters)


LECTURE = Lecture(
    title="RNN basics",
    title_zh="循环神经网络（基础篇）",
    datasets=("hello",),
    model=build_model,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=RNNHyperparameters(
        optimizer="adam", lr=0.05, batch_size="full", shuffle=False, epochs=15
    ),
    overrides={"network=RNNCell": {"lr": 0.1}},
)
