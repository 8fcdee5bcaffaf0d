"""Checks that a lecture's criterion suits the task of the data and the outputs of the net."""

from __future__ import annotations

from torch import Tensor, nn

from datasets import DataSpec
from models import LectureError
from models.lecture import Lecture
from models.user_files.error_location import locate_declaration

#: The tasks of torch's own criteria.
TASKS = {
    nn.CrossEntropyLoss: "multiclass",
    nn.NLLLoss: "multiclass",
    nn.MultiMarginLoss: "multiclass",
    nn.BCEWithLogitsLoss: "binary",
    nn.BCELoss: "binary",
    nn.MSELoss: "regression",
    nn.L1Loss: "regression",
    nn.SmoothL1Loss: "regression",
    nn.HuberLoss: "regression",
}

#: The criterion for a task, and how messages describe such data.
_CRITERIA = {
    "multiclass": ("nn.CrossEntropyLoss", "{classes} classes"),
    "binary": ("nn.BCEWithLogitsLoss", "two classes"),
    "regression": ("nn.MSELoss", "numbers to predict, not classes"),
}

#: torch's default of `ignore_index`, which no class has.
_NO_INDEX = -100


def check_criterion(lecture: Lecture, criterion: nn.Module, spec: DataSpec) -> None:
    """Raise LectureError for a criterion of torch's that is for another task than the data's, or
    that takes probabilities, since accuracy is measured on logits.
    """
    name = f"nn.{type(criterion).__name__}"
    task = TASKS.get(type(criterion))
    fitting, data = _CRITERIA[spec.task]
    if task is not None and task != spec.task:
        data = data.format(classes=len(spec.classes))
        raise LectureError(
            f"{locate_declaration(lecture.path, 'criterion')}: criterion={name} doesn't suit "
            f"these data, which have {data}: use criterion={fitting}"
        )
    if type(criterion) is nn.BCELoss:
        raise LectureError(
            f"{locate_declaration(lecture.path, 'criterion')}: criterion=nn.BCELoss takes "
            "probabilities, and tutorch measures accuracy on logits: "
            "remove the sigmoid at the net's end, and set criterion=nn.BCEWithLogitsLoss"
        )


def check_log_probabilities(criterion: nn.Module, outputs: Tensor) -> None:
    """Raise LectureError if NLLLoss gets outputs that aren't log-probabilities."""
    is_finite = bool(outputs.isfinite().all())  # else training reports it
    if type(criterion) is nn.NLLLoss and is_finite and not _sums_to_one(outputs.exp()):
        raise LectureError(
            "criterion=nn.NLLLoss takes log-probabilities, and the net's outputs aren't any: "
            "criterion=nn.CrossEntropyLoss takes logits"
        )


def criterion_notes(criterion: nn.Module, outputs: Tensor) -> tuple[str, ...]:
    """A note if the net ends in a softmax before CrossEntropyLoss, which applies one itself."""
    if type(criterion) is not nn.CrossEntropyLoss:
        return ()
    if outputs.min() < 0 or not _sums_to_one(outputs):
        return ()
    return (
        "the net's outputs are probabilities, and nn.CrossEntropyLoss applies a softmax itself: "
        "remove the net's own softmax, or it learns slowly",
    )


def notes_on_shares(criterion: nn.Module, ranks: int) -> tuple[str, ...]:
    """A note if the mean of several ranks' losses isn't that of the whole batch.

    torch divides a sum over weighted classes by the weights of the targets that it got
    (nn.CrossEntropyLoss, nn.NLLLoss), and each rank gets others.
    """
    if ranks == 1 or not any(map(_divides_by_weights, criterion.modules())):
        return ()
    return (
        "the criterion has weight= or ignore_index=, so each of the "
        f"{ranks} ranks divides by the weights of its own targets: the run isn't equal to that of "
        "one device, as it would be with reduction='sum'",
    )


def _divides_by_weights(criterion: nn.Module) -> bool:
    """Whether the loss is a mean in which not all targets count the same."""
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
        return False
    counts_all = criterion.weight is None and criterion.ignore_index == _NO_INDEX
    return criterion.reduction == "mean" and not counts_all


def _sums_to_one(outputs: Tensor) -> bool:
    """Whether the values over dimension 1 add up to 1, as probabilities do (to 1e-3)."""
    return outputs.ndim > 1 and bool((outputs.sum(dim=1) - 1).abs().max() < 1e-3)
