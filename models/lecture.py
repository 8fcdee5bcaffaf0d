"""Declares what a lecture is: a model, its data sets, its criterion and its hyperparameters.

A lecture is one file that declares `LECTURE = Lecture(...)`. Its module docstring is the lesson.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from datasets.dataset import DataSpec, Task
from models.fields import Field, InvalidValue, OnlyWith, Range, fields_of
from models.hyperparameters import (
    OPTIMIZER_LR,
    Hyperparameters,
    ImageHyperparameters,
    PlainSchedule,
)

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
    "ParameterGroup",
    "Range",
    "activation",
]

#: What a best model can be chosen by, and whether a higher value of it is better.
Metric = Literal["accuracy", "loss"]
HIGHER_IS_BETTER: Mapping[str, bool] = {"accuracy": True, "loss": False}

Activation = Literal["relu", "leaky relu", "elu", "tanh", "sigmoid", "softplus", "identity"]


def activation(name: Activation) -> nn.Module:
    """The activation function `name` as a module; `identity` returns its input."""
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


@dataclass(frozen=True, kw_only=True, eq=False)
class ParameterGroup:
    """Weights that are trained with other settings than the run's.

    Their lr is the run's times `lr_factor`. It follows `lr_schedule`, or else the run's schedule,
    of which a linear, cosine or one-cycle one ends after the first `share` of the run.
    `weight_decay` and `momentum` replace the run's; None keeps it. With `muon` the weights, of
    filters or matrices, take Muon's steps instead of sgd's, with this momentum and without decay.
    """

    weights: Sequence[Tensor]
    lr_factor: float = 1.0
    lr_schedule: PlainSchedule | None = None
    share: float = 1.0
    weight_decay: float | None = None
    momentum: float | None = None
    muon: float | None = None


#: The most train samples that a lecture's `prepare` gets.
PREPARED = 10_000


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """One lecture of the course, declared at the end of its file.

    `title` and `title_zh` are literals, because they are read without importing the file.
    `datasets` are names; the first is the default, and needs no download if any of them doesn't.
    `model` builds the network from (DataSpec, hyperparameters); it ends in logits where the
    criterion allows. `criterion` builds the loss, from the hyperparameters if it requires an
    argument; its `reduction` is sum or mean.

    `overrides` replaces defaults for a data set (`"digits": {...}`) or for a choice
    (`"optimizer=lbfgs": {...}`); later ones win. `unused` are fields without an effect here.
    `metric` chooses the best model, by `accuracy` or `loss`; None means accuracy if there are
    classes, else loss.

    `optimizer` builds the lecture's own optimizer from (model, hyperparameters), instead of the one
    that the field `optimizer` names. `parameter_groups` divides the weights to train into groups
    with settings of their own, from (model, hyperparameters). `prepare(model, inputs)` sets weights
    of a new run's model from train images as the model gets them (N, *input_shape), at most
    PREPARED of them.

    `backward(model, inputs, targets)` fills every parameter's `.grad` by hand instead of
    `loss.backward()`. With `data_loader`, a real `torch.utils.data.DataLoader` draws the batches,
    with the lecture's fields `batch_size`, `shuffle`, `drop_last` and `workers`. `views` names the
    views of the model, the first one shown first.

    Loading the lecture sets `name` and `path`, and `source` for a user's own file.
    """

    title: str
    title_zh: str
    datasets: tuple[str, ...]
    model: Callable[[DataSpec, Any], nn.Module]
    criterion: Callable[..., nn.Module]
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    metric: Metric | None = None
    optimizer: Callable[[Any, Any], Optimizer] | None = None
    parameter_groups: Callable[[Any, Any], Sequence[ParameterGroup]] | None = None
    prepare: Callable[[Any, Tensor], None] | None = None
    backward: Callable[[Any, Tensor, Tensor], None] | None = None
    data_loader: bool = False
    views: tuple[str, ...] = ()
    name: str = ""
    path: Path = Path()
    source: Source | None = None

    def __post_init__(self) -> None:
        """Raise TypeError for common mistakes in a declaration."""
        for name in ("model", "criterion"):
            value = getattr(self, name)
            if hasattr(value, "forward") and not isinstance(value, type):
                built = type(value).__name__
                raise TypeError(
                    f"{name}={built}(...) is built already: write {name}={built} without "
                    "parentheses, or name a function that builds it"
                )
            if not callable(value):
                raise TypeError(f"{name}= needs a class or a function, not {value!r}")
        if isinstance(self.datasets, str) or not self.datasets:
            raise TypeError(
                f'datasets= needs a tuple of names, such as ("{self.datasets or "digits"}",)'
            )
        if not isinstance(self.hyperparameters, Hyperparameters):
            raise TypeError(
                "hyperparameters= needs Hyperparameters(...), with the defaults in parentheses"
            )

    @property
    def text(self) -> str:
        """The text of its file; of a user's file, as it was when it was loaded."""
        return self.source.text if self.source else self.path.read_text(encoding="utf-8")

    @property
    def task(self) -> Task | None:
        """The task of the lecture's criterion; None for a criterion that fits several."""
        from torch import nn

        tasks: dict[type[nn.Module], Task] = {
            nn.CrossEntropyLoss: "multiclass",
            nn.BCEWithLogitsLoss: "binary",
            nn.MSELoss: "regression",
        }
        return tasks.get(type(self.build_criterion(self.hyperparameters)))

    @property
    def has_criterion_of_settings(self) -> bool:
        """Whether `criterion` requires an argument, the hyperparameters."""
        try:
            parameters = inspect.signature(self.criterion).parameters.values()
        except (TypeError, ValueError):  # of code without a signature
            return False
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return any(
            each.default is inspect.Parameter.empty and each.kind in positional
            for each in parameters
        )

    def build_criterion(self, hyperparameters: Hyperparameters) -> nn.Module:
        """The loss for these hyperparameters."""
        return self.criterion(*(hyperparameters,) * self.has_criterion_of_settings)

    @property
    def fields(self) -> dict[str, Field]:
        """The settings of this lecture by name, with the lecture's own defaults.

        A setting that needs a value of an unused one, such as momentum, is unused too.
        """
        defaults = asdict(self.hyperparameters)
        return {
            name: replace(field, default=defaults[name])
            for name, field in fields_of(type(self.hyperparameters)).items()
            if name not in self.unused
            and all(
                rule.field not in self.unused or defaults[rule.field] in rule.values
                for rule in field.only_with
            )
        }

    def resolve(self, dataset: str, given: Mapping[str, Any]) -> Hyperparameters:
        """The hyperparameters for `dataset`: the defaults, the overrides, then what was `given`.

        Raises InvalidValue for a field that this lecture doesn't have, a value out of range, and a
        setting that has no effect with the others.
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
        """The settings that have an effect with the others, by name, as run.json records them."""
        values = asdict(hyperparameters)
        return {
            name: values[name]
            for name, field in self.fields.items()
            if all(values[rule.field] in rule.values for rule in field.only_with)
        }


def _refuse_useless(fields: Mapping[str, Field], field: Field, values: Mapping[str, Any]) -> None:
    for rule in field.only_with:
        if values[rule.field] in rule.values:
            continue
        other = fields[rule.field]
        raise InvalidValue(
            f"{field.label} has no effect with {other.label} "
            f"{other.format(values[other.name])}, only with {rule}",
            field.name,
        )
