"""The exercise of lecture 8: a raw table, with missing values and words.

Who survived the Titanic? Kaggle's beginners' competition gives 891 passengers with class, sex,
age, relatives aboard, fare and port. 38 % survived. The network is small and nothing new,
features → 16 → 8 → 1 with ReLU; the work is in the table, and it is the same for any table:

1. **Gaps.** 177 of 891 ages are missing. One NaN in a batch makes the loss NaN, and every weight
   with it. Fill in the median; for a word (the port, 2 missing) the most frequent one.
2. **Words.** female/male become 1/0. Three ports become three columns of 0 and 1 ("one-hot"):
   as 0, 1, 2 they would claim that Queenstown lies halfway between two others.
3. **Sizes.** Fares go up to 512, ages to 80, sex to 1. Standardise: subtract the mean, divide by
   the standard deviation, or the fare alone decides the first steps.
4. Medians, means and deviations come **from the train rows alone**. Taken from all rows they
   tell the network a little about the test: a leak.

## Try

    tutorch --no-tui titanic --dataset titanic                  # fetches the table
    tutorch --no-tui titanic --dataset titanic --data-dir FOLDER  # Kaggle's train.csv
    tutorch --no-tui titanic --dataset titanic --sweep seed=0,1,2,3,4
    tutorch --no-tui titanic --dataset titanic --widths 64,64 --epochs 500  # the loss turns
    tutorch --no-tui titanic --dataset titanic --widths 3       # how little is enough?
    tutorch --no-tui titanic                                    # the same net, offline

## The trap

- **Know the trivial rules.** "Nobody survives" is right for 61.6 %, "women survive, men don't"
  for 78.7 %. A network below that has learned less than one line of code.
- **One split is luck.** With 179 test rows the accuracy has a standard deviation of 3 points
  from the choice of rows alone, so a difference of 2 points says nothing. Several seeds show
  how much comes from the initial weights: report their mean, never the best of them.
- The best epoch is chosen by the test rows here, as the course does, which flatters it a
  little. `--validation 0.2` chooses by rows held out of the train set instead.
- Kaggle's `gender_submission.csv` is an example of a submission ("women survive"), not the true
  answers. Comparing with it measures how well a model copies that rule.
- Kaggle needs a login and accepted rules before a download; tutorch fetches OpenML's table of
  all 1309 passengers instead.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class TitanicHyperparameters(Hyperparameters):
    """The settings of the DataLoader, and the shape of the network."""

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
    datasets=("breast-cancer", "titanic"),
    model=Titanic,
    criterion=nn.BCEWithLogitsLoss,
    views=("by_class", "confusion", "mistakes", "activations", "four_steps"),
    data_loader=True,
    hyperparameters=TitanicHyperparameters(optimizer="adam", lr=0.001, batch_size=32, epochs=200),
)
