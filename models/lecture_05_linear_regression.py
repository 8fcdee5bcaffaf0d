"""The four parts of every PyTorch program: data, model, loss and optimizer, and the loop.

Lecture 4 still created its weight by hand. From here on PyTorch's own parts do:

1. **Data** as matrices: 3 samples of 1 feature are a (3, 1) tensor, never (3,).
2. **Model**: a subclass of `nn.Module` that makes its layers in `__init__` and uses them in
   `forward`. `nn.Linear(1, 1)` is `ŷ = x·wᵀ + b` with random initial w and b. Call `model(x)`,
   not `model.forward(x)`: only the call runs the hooks.
3. **Loss and optimizer**: `nn.MSELoss` measures the error, `torch.optim.SGD` updates the weights.
4. **The loop**, the same in all later lectures:

       loss = criterion(model(inputs), targets)   # forward
       optimizer.zero_grad()                      # forget the last gradients
       loss.backward()                            # backward
       optimizer.step()                           # update

With lr 0.01, 1000 epochs give w ≈ 2, b ≈ 0 and 7.999 for 4 hours; 100 epochs only 7.56.

## Try

    tutorch --no-tui 05
    tutorch predict last 4
    tutorch --no-tui 05 --epochs 100
    tutorch --no-tui 05 --sweep optimizer=sgd,adagrad,adam,adamax,asgd,lbfgs,rmsprop,rprop
    tutorch --no-tui 05 --lr 0.01 --sweep optimizer=sgd,adagrad,adam,adamax,lbfgs,rprop
    tutorch --no-tui 05 --dataset noisy-line

The first sweep gives each optimizer a learning rate that suits it and all of them arrive. The
second gives all of them 0.01, and Adagrad is still at 3.28 after 1000 epochs. A step of SGD is lr
times the gradient, which is large here; Adagrad, Adam and Adamax divide by the size of the
gradients so far, so their first steps are about lr, however steep the slope. A learning rate
belongs to an optimizer: comparing two optimizers at the same one says nothing.

LBFGS is different: it evaluates the loss several times within one step, so `step` needs a
function that does so: `optimizer.step(closure)`. All the others accept one as well.

## The trap

**Sum or mean?** This lecture adds the squared errors (`reduction="sum"`), others average them.
The gradient of a sum is N times as large, so the same lr means a step N times as long: with 60
points instead of 3, lr 0.01 diverges (`--dataset noisy-line --lr 0.01`); its default is 0.001.

**(N, 1) or (N,)?** The difference of a (3, 1) and a (3,) tensor is broadcast to (3, 3): nine
errors, a wrong loss, and nothing but a warning. Here the data set owns the shapes.
"""

from functools import partial

from torch import Tensor, nn

from models.lecture import DataSpec, Hyperparameters, Lecture


class LinearModel(nn.Module):
    """ŷ = x·wᵀ + b."""

    def __init__(self, spec: DataSpec, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        (features,) = spec.input_shape
        self.linear = nn.Linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The predictions ŷ, one for each row of x."""
        return self.linear(x)


LECTURE = Lecture(
    title="Linear regression with PyTorch",
    title_zh="用PyTorch实现线性回归",
    datasets=("study-hours", "noisy-line"),
    model=LinearModel,
    criterion=partial(nn.MSELoss, reduction="sum"),
    views=(
        "cost_surface",
        "cost_surface_3d",
        "fitted_line",
        "saddle",
        "saddle_3d",
        "two_minima",
        "four_steps",
    ),
    hyperparameters=Hyperparameters(epochs=1000, batch_size="full", shuffle=False, lr=0.01),
    overrides={
        "noisy-line": {"lr": 0.001},  # the sum over 60 points is steeper than over 3
        "optimizer=adagrad": {"lr": 0.5},
        "optimizer=adam": {"lr": 0.1},
        "optimizer=adamax": {"lr": 0.1},
        "optimizer=lbfgs": {"lr": 1.0},
        "optimizer=rmsprop": {"lr": 0.01},
    },
)
