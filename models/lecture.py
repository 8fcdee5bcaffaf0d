"""What a lecture is: a model, the data it learns from, and the hyperparameters it is taught with.

A lecture is one file that declares `LECTURE = Lecture(...)`. Its module docstring is the lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from datasets.dataset import DataSpec, Task
from models.fields import Field, InvalidValue, OnlyWith, Range, fields_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from models.user_files.source import Source

__all__ = [
    "Activation",
    "DataSpec",
    "Hyperparameters",
    "ImageHyperparameters",
    "Lecture",
    "OnlyWith",
    "Range",
    "activation",
]

#: What a best model can be chosen by, and whether a higher value of it is better.
Metric = Literal["accuracy", "loss"]
HIGHER_IS_BETTER: Mapping[str, bool] = {"accuracy": True, "loss": False}

Activation = Literal["relu", "leaky relu", "elu", "tanh", "sigmoid", "softplus", "identity"]


def activation(name: Activation) -> nn.Module:
    """The activation function `name` as a module; `identity` leaves its input as it is."""
    from torch import nn

    modules = {
        "relu": nn.ReLU,
        "leaky relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "softplus": nn.Softplus,
        "identity": nn.Identity,
    }
    return modules[name]()


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What is set before training. A lecture that needs more subclasses it."""

    epochs: Annotated[int, Range(minimum=1)] = 10
    """How many times training goes through the train set."""

    batch_size: Annotated[int | Literal["full"], Range(minimum=1)] = 64
    """Samples per step; `full` takes the whole train set at once."""

    shuffle: bool = True
    """Draw a new order of the train set in each epoch."""

    optimizer: Literal["sgd", "adagrad", "adam", "adamax", "asgd", "lbfgs", "rmsprop", "rprop"] = (
        "sgd"
    )
    """The rule by which a step changes the weights."""

    lr: Annotated[float, Range(above=0)] = 0.01
    """Learning rate: how far one step goes along the direction the optimizer chose."""

    momentum: Annotated[
        float, Range(minimum=0, below=1), OnlyWith("optimizer", ("sgd", "rmsprop"))
    ] = 0.0
    """How much of the last step's direction is kept in the next."""

    weight_decay: Annotated[
        float,
        Range(minimum=0),
        OnlyWith("optimizer", ("sgd", "adagrad", "adam", "adamax", "asgd", "rmsprop")),
    ] = 0.0
    """Pull of every weight towards zero (an L2 penalty)."""

    lr_schedule: Literal["none", "step", "cosine", "one-cycle"] = "none"
    """How the lr changes over the run."""

    lr_step_epochs: Annotated[int, Range(minimum=1), OnlyWith("lr_schedule", ("step",))] = 10
    """Epochs between two drops of the lr."""

    lr_gamma: Annotated[float, Range(above=0, maximum=1), OnlyWith("lr_schedule", ("step",))] = 0.1
    """What the lr is multiplied with at each drop."""

    clip_grad_norm: Annotated[float, Range(minimum=0)] = 0.0
    """Scale the gradient down to this norm when it is larger; 0 leaves it alone."""

    early_stopping: Annotated[int, Range(minimum=0)] = 0
    """Stop after this many evaluations without a new best; 0 trains all epochs."""

    seed: Annotated[int, Range(minimum=0, maximum=2**63 - 1)] = 0
    """Where the random numbers start: initial weights, order of the samples, dropout."""


@dataclass(frozen=True, kw_only=True)
class ImageHyperparameters(Hyperparameters):
    """What is set besides where images are learned from."""

    augment: Literal["none", "shift", "flip and shift"] = "none"
    """Vary each image anew in every epoch: shifted by up to 4 pixels, mirrored every other time."""


#: The lr that goes with an optimizer other than the lecture's own, unless the lecture knows better
#: (an override such as `"optimizer=adam"`): torch.optim's defaults, but sgd's usual one, and less
#: for rmsprop and lbfgs, which diverge on mini-batches with theirs. ASGD takes what SGD would.
OPTIMIZER_LR = {
    "sgd": 0.01,
    "adagrad": 0.01,
    "adam": 0.001,
    "adamax": 0.002,
    "lbfgs": 0.1,
    "rmsprop": 0.001,
    "rprop": 0.01,
}


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """One lecture of the course, declared at the end of its file.

    `title` and `title_zh` are literals, since the list reads them without importing the file.
    `datasets` are names, the first one being the default, which needs no download where there is
    such a set. `model` builds the network from (DataSpec, hyperparameters), ending in logits
    where the criterion allows. `criterion` builds the loss; its `reduction` says sum or mean.

    `overrides` replaces defaults for a data set (`"digits": {...}`) or for a choice
    (`"optimizer=lbfgs": {...}`, later ones win). `unused` are fields that mean nothing here.
    `metric` is what the best model is chosen by, `accuracy` or `loss`; None is the accuracy where
    there are classes and else the loss.

    `optimizer` builds the lecture's own rule from (model, hyperparameters) instead of the one
    that the field `optimizer` names. `backward(model, inputs, targets)` fills every parameter's
    `.grad` by hand instead of `loss.backward()`. `data_loader` draws the batches with a real
    `torch.utils.data.DataLoader`, told the lecture's fields `batch_size`, `shuffle`, `drop_last`
    and `workers`. `views` names what there is to see of what it learned, the first shown first.

    `name`, `path` and `source` are set when it is loaded; `source` for a user's own file alone.
    """

    title: str
    title_zh: str
    datasets: tuple[str, ...]
    model: Callable[[DataSpec, Any], nn.Module]
    criterion: Callable[[], nn.Module]
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    metric: Metric | None = None
    optimizer: Callable[[Any, Any], Optimizer] | None = None
    backward: Callable[[Any, Tensor, Tensor], None] | None = None
    data_loader: bool = False
    views: tuple[str, ...] = ()
    name: str = ""
    path: Path = Path()
    source: Source | None = None

    def __post_init__(self) -> None:
        """Refuse, with a TypeError, what a declaration commonly has in a field's place."""
        for name in ("model", "criterion"):
            value = getattr(self, name)
            if hasattr(value, "forward") and not isinstance(value, type):
                built = type(value).__name__
                raise TypeError(
                    f"{name}={built}(...) is built already: write {name}={built} without "
                    "brackets, or name a function that builds it"
                )
            if not callable(value):
                raise TypeError(f"{name}= takes a class or a function, not {value!r}")
        if isinstance(self.datasets, str) or not self.datasets:
            raise TypeError(
                f'datasets= takes a tuple of names, such as ("{self.datasets or "digits"}",)'
            )
        if not isinstance(self.hyperparameters, Hyperparameters):
            raise TypeError(
                "hyperparameters= takes Hyperparameters(...), with brackets and defaults inside"
            )

    @property
    def text(self) -> str:
        """The text of its file; of a user's own, as it was when it was loaded."""
        return self.source.text if self.source else self.path.read_text(encoding="utf-8")

    @property
    def task(self) -> Task | None:
        """What the lecture's criterion is for; None for one that doesn't say."""
        from torch import nn

        tasks: dict[type[nn.Module], Task] = {
            nn.CrossEntropyLoss: "multiclass",
            nn.BCEWithLogitsLoss: "binary",
            nn.MSELoss: "regression",
        }
        return tasks.get(type(self.criterion()))

    @property
    def fields(self) -> dict[str, Field]:
        """The settings of this lecture by name, with the lecture's own defaults."""
        defaults = asdict(self.hyperparameters)
        return {
            name: replace(field, default=defaults[name])
            for name, field in fields_of(type(self.hyperparameters)).items()
            if name not in self.unused
        }

    def resolve(self, dataset: str, given: Mapping[str, Any]) -> Hyperparameters:
        """The hyperparameters for `dataset`: the defaults, the overrides, then what was `given`.

        Raises InvalidValue for a field this lecture hasn't, a value out of range, and a setting
        that means nothing beside the others.
        """
        fields = self.fields
        for name in given:
            if name not in fields:
                raise InvalidValue(f"{self.name} has no hyperparameter {name!r}", name)
        values = asdict(self.hyperparameters) | dict(self.overrides.get(dataset, {}))
        optimizer = given.get("optimizer", self.hyperparameters.optimizer)
        if optimizer != self.hyperparameters.optimizer and optimizer in OPTIMIZER_LR:
            values["lr"] = OPTIMIZER_LR[optimizer]
        for key, override in self.overrides.items():
            name, equals, choice = key.partition("=")
            if equals and fields[name].format({**values, **given}[name]) == choice:
                values |= override
        values |= {name: fields[name].check(value) for name, value in given.items()}
        for name in given:
            _refuse_useless(fields, fields[name], values)
        return type(self.hyperparameters)(**values)

    def relevant_settings(self, hyperparameters: Hyperparameters) -> dict[str, Any]:
        """The settings that mean something beside each other, by name: what run.json records."""
        values = asdict(hyperparameters)
        return {name: values[name] for name, field in self.fields.items() if _useful(field, values)}


def _useful(field: Field, values: Mapping[str, Any]) -> bool:
    return field.only_with is None or values[field.only_with.field] in field.only_with.values


def _refuse_useless(fields: Mapping[str, Field], field: Field, values: Mapping[str, Any]) -> None:
    if not _useful(field, values):
        assert field.only_with is not None
        other = fields[field.only_with.field]
        raise InvalidValue(
            f"{field.label} means nothing with {other.label} {other.format(values[other.name])}: "
            f"it goes with {', '.join(map(other.format, field.only_with.values))}",
            field.name,
        )
