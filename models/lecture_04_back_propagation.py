"""Let autograd do the calculus: a graph of small steps, walked backwards with the chain rule.

A derivative on paper is fine for one weight, but not for 575 050 of them. Any model is built of
small operations (a product, a sum, a square), each with a derivative that fits on a line.
PyTorch records every operation it computes, as a graph, and `loss.backward()` walks that graph
from the loss to the weights, multiplying those small derivatives on the way:

    x ──┐
    w ──┴─ × ── ŷ ──┐
                y ──┴─ − ── r ── square ── loss

    ∂loss/∂w = ∂loss/∂r · ∂r/∂ŷ · ∂ŷ/∂w = 2r · 1 · x

Two numbers to check by hand: x = 2, y = 4, w = 1 gives ∂loss/∂w = −8. With a bias, x = 1,
y = 2, w = 1, b = 2, both ∂loss/∂w and ∂loss/∂b are 2.

The result is put into `w.grad`, and the optimizer subtracts `lr · w.grad` from w: the step of
lecture 3, with the gradient for free. The samples come one at a time, in their order.

## Try

    tutorch --no-tui 04                                # w = 1.9999996 after 100 epochs
    tutorch --no-tui 04 --form quadratic               # ŷ = w₁·x² + w₂·x + b
    tutorch predict last 4                             # 8.54, not 8. Why?
    tutorch --no-tui 04 --form quadratic --lr 0.03     # 6.49, wrong the other way
    tutorch --no-tui 04 --form quadratic --epochs 20000

The quadratic *contains* the straight line (w₁ = 0, w₂ = 2, b = 0), and three points allow no
other exact solution. Yet after 100 epochs it predicts 8.544 for 4 hours. Many other parabolas
pass close to the three points; along that valley the loss hardly changes, so the gradient is
small. A more flexible model needs more time (here 20 000 epochs) or more data, and until then
its largest errors are where there are no data: 4 hours are outside of 1 to 3.

## The trap

- `backward()` **adds** to `.grad`. Set it to zero before each step, or each gradient includes
  all earlier ones. (The trainer calls `optimizer.zero_grad()`.)
- A tensor keeps the graph that computed it. `total += loss` keeps every epoch's graph and fills
  the memory; `loss.item()` is the plain number. For the same reason a weight is updated under
  `torch.no_grad()`: the update isn't part of the model.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from models.lecture import DataSpec, Hyperparameters, Lecture


@dataclass(frozen=True, kw_only=True)
class FormHyperparameters(Hyperparameters):
    """Which of the two models to train."""

    form: Literal["linear", "quadratic"] = "linear"
    """The model: `linear` is w·x, `quadratic` w₁·x² + w₂·x + b."""


class Linear(nn.Module):
    """ŷ = x·w, starting at w = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """The predictions ŷ, one for each x."""
        return x * self.w


class Quadratic(nn.Module):
    """ŷ = w₁·x² + w₂·x + b, starting at w₁ = w₂ = b = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.tensor(1.0))
        self.w2 = nn.Parameter(torch.tensor(1.0))
        self.b = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """The predictions ŷ, one for each x."""
        return self.w1 * x**2 + self.w2 * x + self.b


def build_model(spec: DataSpec, hyperparameters: FormHyperparameters) -> nn.Module:
    """The model that `form` names."""
    return Linear() if hyperparameters.form == "linear" else Quadratic()


LECTURE = Lecture(
    title="Back propagation",
    title_zh="反向传播",
    datasets=("study-hours", "noisy-line"),
    model=build_model,
    criterion=nn.MSELoss,
    views=(
        "graph",
        "exercises",
        "cost_curve",
        "cost_surface",
        "cost_surface_3d",
        "fitted_line",
        "four_steps",
    ),
    hyperparameters=FormHyperparameters(epochs=100, batch_size=1, shuffle=False, lr=0.01),
    overrides={"noisy-line": {"lr": 0.001}},  # x goes up to 4, and x² of the quadratic to 16
)
