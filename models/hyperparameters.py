"""Declares the hyperparameters that all lectures have; a lecture subclasses them for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from models.fields import OnlyWith, Range

#: The lr schedules that need no other setting.
PlainSchedule = Literal["none", "linear", "cosine", "one-cycle"]

LrSchedule = Literal["none", "step", "milestones", "linear", "cosine", "one-cycle"]


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The settings of a training. A lecture that needs more of them subclasses it."""

    epochs: Annotated[int, Range(minimum=1)] = 10
    """How many times training passes through the train set."""

    batch_size: Annotated[int | Literal["full"], Range(minimum=1)] = 64
    """Samples per step; `full` is the whole train set."""

    shuffle: bool = True
    """Shuffle the train set in each epoch."""

    optimizer: Literal["sgd", "adagrad", "adam", "adamax", "asgd", "lbfgs", "rmsprop", "rprop"] = (
        "sgd"
    )
    """The rule by which a step changes the weights."""

    lr: Annotated[float, Range(above=0)] = 0.01
    """Learning rate: the length of a step in the direction that the optimizer chooses."""

    momentum: Annotated[
        float, Range(minimum=0, below=1), OnlyWith("optimizer", ("sgd", "rmsprop"))
    ] = 0.0
    """The share of the last step's direction that the next step keeps."""

    nesterov: Annotated[
        bool, OnlyWith("optimizer", ("sgd",)), OnlyWith("momentum", Range(above=0))
    ] = False
    """Nesterov's momentum: the step adds the new gradient once more than plain momentum does."""

    weight_decay: Annotated[
        float,
        Range(minimum=0),
        OnlyWith("optimizer", ("sgd", "adagrad", "adam", "adamax", "asgd", "rmsprop")),
    ] = 0.0
    """Pulls every weight towards zero (an L2 penalty)."""

    lr_schedule: LrSchedule = "none"
    """How the lr changes over the run."""

    lr_step_epochs: Annotated[int, Range(minimum=1), OnlyWith("lr_schedule", ("step",))] = 10
    """Epochs between two drops of the lr."""

    lr_milestones: Annotated[
        tuple[int, ...], Range(minimum=1), OnlyWith("lr_schedule", ("milestones",))
    ] = (5, 8)
    """Epochs after which the lr drops."""

    lr_gamma: Annotated[
        float, Range(above=0, maximum=1), OnlyWith("lr_schedule", ("step", "milestones"))
    ] = 0.1
    """The factor by which each drop multiplies the lr."""

    clip_grad_norm: Annotated[float, Range(minimum=0)] = 0.0
    """Scale the gradient down to this norm if it is larger; 0 doesn't clip."""

    early_stopping: Annotated[int, Range(minimum=0)] = 0
    """Stop after this many evaluations without a new best; 0 trains all epochs."""

    seed: Annotated[int, Range(minimum=0, maximum=2**63 - 1)] = 0
    """The seed of all random numbers: initial weights, order of the samples, dropout."""


@dataclass(frozen=True, kw_only=True)
class ImageHyperparameters(Hyperparameters):
    """The settings of a training on images."""

    augment: Literal["none", "shift", "flip and shift", "alternating flip and shift"] = "none"
    """Vary each image in every epoch: shift it by up to 4 pixels, mirror it half of the time. Or
    mirror it in every other epoch, and shift it by up to 2 pixels."""


#: The default lr of an optimizer other than the lecture's, unless the lecture has an override such
#: as `"optimizer=adam"`: torch.optim's defaults, but the usual one for sgd, and smaller ones for
#: rmsprop and lbfgs, which diverge on mini-batches with theirs. ASGD keeps the lecture's lr.
OPTIMIZER_LR = {
    "sgd": 0.01,
    "adagrad": 0.01,
    "adam": 0.001,
    "adamax": 0.002,
    "lbfgs": 0.1,
    "rmsprop": 0.001,
    "rprop": 0.01,
}
