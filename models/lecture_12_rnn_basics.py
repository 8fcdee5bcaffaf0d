"""A network with a memory: the same small layer, again and again, once per letter.

Text, weather, a sentence: the order matters and the length varies. A fully connected network
would need weights for each position. A recurrent network has one cell, used at each step; its
inputs are the step's input and the hidden state, its memory of the steps before:

    hₜ = tanh(W·xₜ + b + U·hₜ₋₁ + c)

The task: read "hello" letter by letter and output "ohlol". The first l becomes l and the second
one o, so it is impossible without memory. Each step classifies into 4 letters (e, h, l, o) by
cross-entropy. Three networks that do it:

- `RNNCell`: letters as one-hot vectors, and our own loop over the steps. The hidden state has
  size 4 and *is* the logits.
- `RNN`: the same, but `nn.RNN` runs the loop and can stack layers.
- `Embedding`: one-hot vectors are long, empty and fixed. An embedding is a table with a *learned*
  vector per letter (4 → 10). Two recurrent layers of size 8, then a linear layer to 4 logits.

## Try

    tutorch --no-tui 12                                    # Embedding: "ohlol"
    tutorch --no-tui 12 --network RNNCell                  # seed 0 gets stuck at "ohlll"
    tutorch --no-tui 12 --network RNNCell --sweep seed=0,1,2,3,4,5,6,7
    tutorch --no-tui 12 --network RNN --epochs 100 --seed 1     # still not "ohlol"
    tutorch --no-tui 12 --sweep cell=rnn,lstm,gru          # the exercise
    tutorch --no-tui 12 --cell lstm --epochs 30            # slower to start, then sure

## The trap

- **It gets stuck, and the code is right.** In 15 epochs `RNNCell` learns the word from 71 % of the
  seeds, `RNN` from 60 %, `Embedding` from 99 %; 100 epochs raise the first two to 76 and 80 %, no
  further. Four numbers have to be memory and output at once. Try another seed before you search
  for a bug.
- **The loss can't reach 0** in the first two: logits that come out of tanh lie in [−1, 1], and
  the best case (1, −1, −1, −1) still costs log(1 + 3/e²) = 0.34. A linear layer after the RNN
  frees them, which is half of why the third is better. The slides of the cell show a sum over
  the five letters, so a floor of 1.70; here it is the mean per letter, for all three.
- **Shapes.** PyTorch's own order is (time, batch, features); `batch_first=True` makes it
  (batch, time, features). nn.RNN returns all hidden states, and the last one again.
  Cross-entropy needs logits as (batch, classes, time), hence the transposing at the end.
- "ohlol" is y = [3, 1, 2, 3, 2]. Copies on the net with [3, 1, 2, 2, 3] learn "ohllo".
"""

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
    """A cell in our own loop; the same by nn.RNN; or embedding, RNN and linear layer."""

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
    views=("words", "gradients", "layers", "four_steps"),
    metric="loss",
    hyperparameters=RNNHyperparameters(
        optimizer="adam", lr=0.05, batch_size="full", shuffle=False, epochs=15
    ),
    overrides={"network=RNNCell": {"lr": 0.1}},
)
