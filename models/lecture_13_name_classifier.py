"""From a whole sequence to one answer: which of 18 countries does a name come from?

13 374 names to train on and 6 700 to test on, from Arabic to Vietnamese. The input is a row of
letters, the output one class; so of all the states of the recurrent network only the last one is
used, after the whole name has been read:

    letters → embedding → GRU, both directions → last states → Linear → 18 logits

- **Letters** become numbers by their ASCII code (`ord`), so there are 128 possible ones.
- **GRU**: gates decide how much of the memory is kept and how much is replaced, so the memory
  lasts longer than that of a plain RNN.
- **Two directions**: one GRU reads from the left, another from the right. The end of a name
  (-ov, -ini, -ez) says as much as its start. Both end states are joined: 100 + 100 numbers.
- **Padding**: names in a batch have different lengths and a tensor is a rectangle, so short ones
  are filled up with zeros. `pack_padded_sequence` tells the GRU where each name ends. Without
  it the last state of "Li" would be that of "Li" and seventeen blanks.

## Try

This lecture needs its names (80 kB). The first run fetches them; to do it ahead of time, run
`tutorch data fetch names`, or point `--data-dir` to a folder that has names_train.csv.gz and
names_test.csv.gz.

    tutorch --no-tui 13 --epochs 20                    # best 84 to 85 %, near epoch 16
    tutorch predict last Kowalski
    tutorch --no-tui 13 --early-stopping 10            # the course's 100 epochs are too many
    tutorch --no-tui 13 --epochs 20 --no-bidirectional
    tutorch --no-tui 13 --epochs 20 --sweep cell=rnn,gru,lstm

"Always Russian" is right for 46.8 %. From about epoch 16 the network memorises the train names:
their loss continues to fall, the test accuracy falls by a point.

## The trap

- **Lengths stay on the CPU**, whatever the device. The slide's version moves them along with
  the batch, which PyTorch has refused since 1.7: "'lengths' argument should be a 1D CPU int64
  tensor". They also had to be sorted, longest first; `enforce_sorted=False` sorts inside.
- **Which states to join?** hidden has shape (layers · directions, batch, 100). The last two
  entries are the last layer's, forward and backward. Joining `hidden[-1]` twice, or using it
  alone, loses one direction without an error.
- The files are sorted by country. Unshuffled, the network would see one country at a time.
- A letter such as é has a code above 127, and the embedding has no row for it: "index out of
  range in self". Before a prediction it is replaced by its nearest ASCII letter.
- The slide's loss is divided by the batch size although it is a mean already: 0.0089 means 2.28.
  Here it is the mean per name.
"""

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
    views=(
        "confusion",
        "answer",
        "by_class",
        "mistakes",
        "changes",
        "gradients",
        "layers",
        "four_steps",
    ),
    hyperparameters=NameHyperparameters(optimizer="adam", lr=0.001, batch_size=256, epochs=100),
)
