"""Try every weight and keep the best one: what a model, a loss and training are.

A student who learned for 1, 2 and 3 hours got 2, 4 and 6 points. What will 4 hours bring?
Supervised learning answers in four steps, and every later lecture has the same four:

1. **Data**: pairs of an input x (hours) and a target y (points).
2. **Model**: a guess of the form of the answer, with unknown numbers: `ŷ = x·w`. The bias b of a
   full line `ŷ = x·w + b` is left out at first, so that there is one number to find.
3. **Loss**: how wrong the model is on one sample, `(ŷ − y)²`. The mean over all samples is
   the cost, here the mean squared error:

       MSE(w) = 1/N · Σ (xₙ·w − yₙ)²

4. **Search** for the w with the smallest cost.

This lecture's search is the simplest one: try w = 0.0, 0.1, 0.2, ... 4.0 and compare. One epoch
is one candidate, so the curve of the loss over the epochs *is* the curve MSE(w): 18.67 at
w = 0, falling to 0 at w = 2 (epoch 21), and back up to 18.67 at w = 4.

## Try

    tutorch --no-tui 02                       # 41 candidates, the best is w = 2.0
    tutorch predict last 4                    # the question: 4 hours make 8 points
    tutorch --no-tui 02 --bias                # y = w·x + b: 41 × 41 = 1681 candidates
    tutorch --no-tui 02 --dataset noisy-line  # measured points: no w brings the loss to 0

- With a bias the cost is a bowl over the plane of w and b. The search walks it row by row
  (b first, then the next w), so the curve swings once per row. Where do its low points fall?
- On `noisy-line` the lowest loss is not 0. The rest is the noise, which no line explains.
- Stop a run and `tutorch resume last`: each run has a folder of its own, its best model is
  saved in it as soon as it is found, and its curve is drawn in this terminal, epoch by epoch.

## The trap

It works because there is only one weight. n weights with 41 values each are 41ⁿ candidates: 1681
for two, 1.3·10¹⁶ for ten, and lecture 9 has 575 050 weights. Even searching coarsely first
and then finely around the best place fails, because a cost has many valleys and the coarse
grid may skip the deepest one. The next lecture asks a better question: not "which w?" but
"which way is down?".

The candidates are i/10, not a sum of tenths: 0.1 added twenty times is 2.0000000000000004.
"""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.lecture import DataSpec, Hyperparameters, Lecture

WEIGHTS = [i / 10 for i in range(41)]  # 0.0, 0.1, ... 4.0
BIASES = [i / 10 for i in range(-20, 21)]  # -2.0, -1.9, ... 2.0


@dataclass(frozen=True, kw_only=True)
class SearchHyperparameters(Hyperparameters):
    """The settings of an exhaustive search."""

    bias: bool = False
    """Search y = w·x + b instead of y = w·x: 41 × 41 candidates instead of 41."""


class LinearModel(nn.Module):
    """ŷ = x·w, or ŷ = x·w + b."""

    def __init__(self, spec: DataSpec, hyperparameters: SearchHyperparameters) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.0))
        self.b = nn.Parameter(torch.tensor(0.0)) if hyperparameters.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """The predictions ŷ, one for each x."""
        if self.b is None:
            return x * self.w
        return x * self.w + self.b


class ExhaustiveSearch(Optimizer):
    """Each step tries the next candidate; after the last one it starts over."""

    def __init__(self, model: LinearModel, hyperparameters: SearchHyperparameters) -> None:
        super().__init__(model.parameters(), defaults={"tried": 0})
        values = (WEIGHTS, BIASES) if hyperparameters.bias else (WEIGHTS,)
        self.candidates = list(product(*values))

    @torch.no_grad()
    def step(self, closure):  # type: ignore[override]
        """Set the parameters to the next candidate and return its loss."""
        for group in self.param_groups:
            candidate = self.candidates[group["tried"] % len(self.candidates)]
            for parameter, value in zip(group["params"], candidate, strict=True):
                parameter.fill_(value)
            group["tried"] += 1
        return closure()


LECTURE = Lecture(
    title="Linear model",
    title_zh="线性模型",
    datasets=("study-hours", "noisy-line"),
    model=LinearModel,
    criterion=nn.MSELoss,
    views=(
        "cost_curve",
        "by_hand",
        "cost_surface",
        "cost_surface_3d",
        "fitted_line",
        "four_steps",
    ),
    optimizer=ExhaustiveSearch,
    hyperparameters=SearchHyperparameters(epochs=41, batch_size="full", shuffle=False),
    overrides={"bias=true": {"epochs": 1681}},
    unused=(
        "batch_size",
        "shuffle",
        "optimizer",
        "lr",
        "momentum",
        "weight_decay",
        "lr_schedule",
        "lr_step_epochs",
        "lr_gamma",
        "clip_grad_norm",
        "early_stopping",
    ),
)
