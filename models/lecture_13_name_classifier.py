"""x"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from models.lecture import DataSpec, Hyperparameters, Lecture, Range


@dataclass(frozen=True, kw_only=True)
class NameHyperparameters(Hyperparameters):
    """The shape of the recurrent network."""

    hidden_size: Annotated[int, Range(minimum=1)] = 100
    """Numbers that stand for a letter, and that each direction remembers of a name."""

    layers: Annotated[int, Range(minimum=1)] = 2
    """Recurrent layers on top of each other."""

    cell: Literal["rnn", "lstm", "gru"] = "gru"
    """What the recurrent layers are made of."""

    bidirectional: bool = True
    """Read each name from both ends."""


class NameClassifier(nn.Module):
    """A logit per country from the letters of a name."""

    def __init__(self, spec: DataSpec, hyperparameters: NameHyperparameters) -> None:
        super().__init__()
        size = hyperparameters.hidden_size
        recurrent = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[hyperparameters.cell]
        self.directions = 2 if hyperparameters.bidirectional else 1
        self.embedding = nn.Embedding(len(spec.vocabulary), size)
        self.rnn = recurrent(
            input_size=size,
            hidden_size=size,
            num_layers=hyperparameters.layers,
            batch_first=True,
            bidirectional=hyperparameters.bidirectional,
        )
        self.linear = nn.Linear(size * self.directions, spec.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """From letters (batch, time), filled up with zeros, to logits (batch, countries)."""
        lengths = (x != 0).sum(dim=1).cpu()
        letters = pack_padded_sequence(
            self.embedding(x), lengths, batch_first=True, enforce_sorted=False
        )
        _, hidden = self.rnn(letters)
        if isinstance(hidden, tuple):  # an LSTM gives its cell state besides
            hidden, _ = hidden
        last_layer = hidden[-self.directions :]  # (directions, batch, hidden)
        return self.linear(torch.cat(tuple(last_layer), dim=1))


LECTURE = Lecture(
    title="Name classifier",
    title_zh="循环神经网络（高级篇）：名字分类",
    datasets=("names",),
    model=NameClassifier,
    criterion=nn.CrossEntropyLoss,
    hyperparameters=NameHyperparameters(optimizer="adam", lr=0.001, batch_size=256, epochs=100),
)
