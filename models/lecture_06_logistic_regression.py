"""From a number to a class: a line, squashed into a probability.

The question changes from "how many points?" to "pass or fail?". The answer is a class, 0 or 1,
and a model can't output "0 or 1" smoothly. It can output how likely the 1 is. A line z = w·x + b
runs from −∞ to +∞; the logistic function squeezes it between 0 and 1:

    P(pass | x) = σ(z) = 1 / (1 + e⁻ᶻ)

z is called the **logit**. σ is one of a family of S-shaped curves (tanh, arctan, ...) that are
all called sigmoid; this one has kept the name. The loss is the binary cross-entropy (BCE): −log
of the probability that the model gave to the true class:

    loss = −( y·log ŷ + (1 − y)·log(1 − ŷ) )

By hand: for y = 1, ŷ = 0.2 it is 1.6094, and for y = 1, ŷ = 0.8 only 0.2231; y = 0, ŷ = 0.3
costs 0.3567 and y = 0, ŷ = 0.7 costs 1.2040. Their mean is 0.8483.

The data: 1 and 2 hours failed, 3 hours passed. After 1000 epochs P = 0.5 lies at 2.42 hours.

## Try

    tutorch --no-tui 06
    tutorch predict last 2.42                # 50 %
    tutorch predict last 4                   # 85 %: likely to pass
    tutorch --no-tui 06 --epochs 20000       # the curve gets steeper and steeper, without end
    tutorch --no-tui 06 --epochs 20000 --weight-decay 0.1
    tutorch --no-tui 06 --lr 0.00333333      # what the mean instead of the sum would do

The classes can be separated exactly, so a steeper curve is always a little better: w grows for
ever, more and more slowly, and the boundary moves towards 2.5, halfway between the two classes.
Weight decay penalises large weights, so w converges.

## The trap

- The course computes ŷ = σ(z) and gives it to `BCELoss`. Here the model ends in the logit and
  `BCEWithLogitsLoss` does both at once: the same value, without log(0) when σ(z) is rounded to
  0 or to 1. (`BCELoss` cuts log at −100 there, and its gradient is of no use.) So `forward` has
  no σ; probabilities are computed when they are shown.
- `BCELoss` needs probabilities: with logits it raises "all elements of input should be between
  0 and 1", or worse, is wrong without an error. `BCEWithLogitsLoss` needs logits: with σ(z) it
  squashes twice. Targets are float32 of the output's shape, (N, 1), not int64 class numbers.
- The losses are added, not averaged. The mean over 3 samples would work too, but its gradient
  is a third, and after 1000 epochs the boundary would still be at 2.64.
"""

from functools import partial

from torch import Tensor, nn

from models.lecture import DataSpec, Hyperparameters, Lecture


class LogisticRegression(nn.Module):
    """P(pass | x) = σ(x·wᵀ + b); the model outputs the logit, to which σ is applied."""

    def __init__(self, spec: DataSpec, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        (features,) = spec.input_shape
        self.linear = nn.Linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits z, one for each row of x."""
        return self.linear(x)


LECTURE = Lecture(
    title="Logistic regression",
    title_zh="逻辑斯蒂回归",
    datasets=("exam-pass",),
    model=LogisticRegression,
    criterion=partial(nn.BCEWithLogitsLoss, reduction="sum"),
    views=("probability_curve", "cost_surface", "cost_surface_3d", "four_steps"),
    metric="loss",
    hyperparameters=Hyperparameters(epochs=1000, batch_size="full", shuffle=False, lr=0.01),
)
