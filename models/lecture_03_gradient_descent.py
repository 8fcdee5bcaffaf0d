"""Walk downhill: the gradient says which way, the learning rate how far.

Trying every weight stops working beyond two or three weights. But the derivative of the cost
says, at any w, on which side the valley lies: where it is positive the cost rises with w, so w
must get smaller. Gradient descent takes one step after another against it:

    w ← w − lr · ∂cost/∂w

For ŷ = x·w and the mean squared error the derivative can be written down on paper:

    cost(w)    = 1/N · Σ (xₙ·w − yₙ)²
    ∂cost/∂w   = 1/N · Σ 2·xₙ·(xₙ·w − yₙ)

That is `gradient` below. From w = 1 with lr 0.01, 100 epochs give w = 1.99994.

**How many samples make one step?** All of them: that is gradient descent, `--batch-size full`.
One: stochastic gradient descent (SGD), `--batch-size 1`; it makes N small, noisy steps with the
arithmetic of one full step, and the noise can carry it over a flat or saddle-shaped place where
the exact gradient is zero. But each step waits for the one before, and a GPU idles. A few: the
mini-batch, the usual compromise, and what "batch" means today.

## Try

    tutorch --no-tui 03                           # the cost: 4.67, 3.84, ... 1.8e-08
    tutorch --no-tui 03 --batch-size 1            # 3 steps per epoch: w = 2.0000
    tutorch --no-tui 03 --lr 0.2                  # jumps across the valley, and still arrives
    tutorch --no-tui 03 --lr 0.3                  # each jump ends higher than it began
    tutorch --no-tui 03 --dataset noisy-line --sweep batch_size=full,10,1
    tutorch --no-tui 03 --gradient "autograd function"

The last one needs less by hand: `Multiply` has the derivative of a single product, and autograd
multiplies it by that of the loss (the chain rule, the topic of the next lecture). Any
hand-written derivative can be checked against small differences of the function itself:

    x = torch.randn(3, 1, dtype=torch.double, requires_grad=True)
    w = torch.tensor(1.5, dtype=torch.double, requires_grad=True)
    torch.autograd.gradcheck(Multiply.apply, (x, w))

## The trap

A loss that grows means that the learning rate is too large. Here the limit is exact: each step
multiplies the distance w − 2 by `1 − lr · 2·mean(x²) = 1 − lr · 28/3`, which shrinks only while
lr < 3/14 ≈ 0.214. No real network has such a formula, but each has such a limit.

The curve of SGD jitters. Smooth it, c′ₜ = β·c′ₜ₋₁ + (1 − β)·cₜ, before you judge it.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.optim import Optimizer

from models.lecture import DataSpec, Hyperparameters, Lecture


@dataclass(frozen=True, kw_only=True)
class DescentHyperparameters(Hyperparameters):
    """The settings of gradient descent by hand."""

    gradient: Literal["by hand", "autograd function"] = "by hand"
    """The whole gradient on paper, or only a product's, which autograd chains with the loss."""


class Multiply(Function):
    """x·w with its two partial derivatives written by hand."""

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor) -> Tensor:
        """The product, and a note of what its derivatives need."""
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx, *grad_outputs: Tensor) -> tuple[Tensor, Tensor]:
        """From ∂cost/∂ŷ, the incoming gradient, to ∂cost/∂x and ∂cost/∂w."""
        (grad,) = grad_outputs
        x, w = ctx.saved_tensors
        return grad * w, (grad * x).sum()


class LinearModel(nn.Module):
    """ŷ = x·w, starting at w = 1."""

    def __init__(self, spec: DataSpec, hyperparameters: DescentHyperparameters) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.0))
        self.by_hand = hyperparameters.gradient == "by hand"

    def forward(self, x: Tensor) -> Tensor:
        """The predictions ŷ, one for each x."""
        return x * self.w if self.by_hand else Multiply.apply(x, self.w)


@torch.no_grad()
def gradient(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """∂cost/∂w, the mean over the samples of 2·x·(x·w − y)."""
    return (2 * x * (x * w - y)).mean()


def backward(model: LinearModel, x: Tensor, y: Tensor) -> None:
    """What `loss.backward()` does from the next lecture on: fill `.grad`."""
    if model.by_hand:
        model.w.grad = gradient(x, y, model.w)
    else:
        nn.functional.mse_loss(model(x), y).backward()


class GradientDescent(Optimizer):
    """w ← w − lr · ∂cost/∂w."""

    def __init__(self, model: LinearModel, hyperparameters: DescentHyperparameters) -> None:
        super().__init__(model.parameters(), defaults={"lr": hyperparameters.lr})

    @torch.no_grad()
    def step(self, closure):  # type: ignore[override]
        """Compute the gradients, take one step against them, return the loss before the step."""
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                w.sub_(group["lr"] * w.grad)
        return loss


LECTURE = Lecture(
    title="Gradient descent",
    title_zh="梯度下降算法",
    datasets=("study-hours", "noisy-line"),
    model=LinearModel,
    criterion=nn.MSELoss,
    views=(
        "cost_curve",
        "by_hand",
        "fitted_line",
        "saddle",
        "saddle_3d",
        "two_minima",
        "four_steps",
    ),
    optimizer=GradientDescent,
    backward=backward,
    hyperparameters=DescentHyperparameters(epochs=100, batch_size="full", shuffle=False, lr=0.01),
    unused=("optimizer", "momentum", "weight_decay"),
)
