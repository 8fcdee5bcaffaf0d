"""A few rows at a time: Dataset knows one sample, DataLoader makes shuffled batches of them.

Lecture 7 used all rows in each step. That is exact and fast per row, but only one update per
epoch; one row at a time means many updates, slow and noisy. Mini-batches are between the two,
and come with three terms:

- **epoch**: every training row has been seen once,
- **batch size**: rows in one step, forward, backward and update,
- **iteration** (here: step): one such update. 759 rows in batches of 32 are 24 iterations per
  epoch; the last batch has only 23 rows. `drop_last` would leave it out.

In PyTorch two classes share the work. A `Dataset` says how many samples there are and gives one
by its number; a `DataLoader` draws an order, picks samples, stacks them:

    class DiabetesDataset(Dataset):
        def __init__(self, path):
            rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
            self.x, self.y = torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, [-1]])

        def __getitem__(self, index):
            return self.x[index], self.y[index]

        def __len__(self):
            return len(self.x)

    loader = DataLoader(DiabetesDataset(path), batch_size=32, shuffle=True, num_workers=2)

Small data are read in `__init__`, as here. Large data (a million images) are not: `__init__`
keeps the list of files, and `__getitem__` opens one. This lecture trains through a real
DataLoader; the other ones keep their small data on the device and index it, which is faster.

## Try

    tutorch --no-tui dataloader                            # as in the course: majority class
    tutorch --no-tui dataloader --optimizer adam           # the one switch: 97 to 99 %
    tutorch --no-tui dataloader --optimizer adam --dataset diabetes-split      # 77 %, from 65
    tutorch --no-tui dataloader --optimizer adam --sweep batch_size=1,8,32,128
    tutorch --no-tui dataloader --workers 2                # same losses. And the seconds?
    tutorch --no-tui dataloader --no-shuffle

## The trap

- **The plateau of lecture 7 is still there**: network and sigmoids are the same, and lr 0.01
  makes steps a tenth as long. 100 epochs end at the majority class. Adam divides each
  gradient by its usual size, so the tiny ones behind two sigmoids move their weights, too.
- **Workers are processes.** On Windows and macOS each starts by importing your script: without
  `if __name__ == "__main__":` around the loop it would start workers in turn, and Python stops
  with "An attempt has been made to start a new process before the current process has finished
  its bootstrapping phase". They pay off when reading a sample is work (decoding images); for
  759 rows of numbers starting them costs more than they save. So here 0 is the default; the
  slides have 2.
- Shuffle the train set, not the test set: the order of questions doesn't change an exam.
- **Hold rows out.** Lecture 7 was evaluated on the rows it was trained on. Here 20 % are held
  out, and the accuracy on those counts.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import nn

from models.lecture import Activation, DataSpec, Hyperparameters, Lecture, Range, activation


@dataclass(frozen=True, kw_only=True)
class LoaderHyperparameters(Hyperparameters):
    """The settings of the DataLoader, and the network of lecture 7."""

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
    views=("by_class", "confusion", "activations", "mistakes", "changes", "answer", "four_steps"),
    data_loader=True,
    hyperparameters=LoaderHyperparameters(epochs=100, batch_size=32, shuffle=True, lr=0.01),
    overrides={"optimizer=adam": {"lr": 0.01}},  # so that the optimizer is all that changes
)
