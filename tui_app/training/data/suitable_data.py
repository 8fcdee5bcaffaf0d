"""Finds which kinds of the user's data a lecture can train on, by trying its model on shapes.

The model runs on torch's meta device, which has shapes without values: it takes no memory and draws
no random numbers. A user's own lecture isn't tried: its error says what doesn't fit.
"""

from __future__ import annotations

import functools

from datasets.dataset import DataSpec
from models import find_lecture
from models.fields import InvalidValue
from models.lecture import Lecture
from models.loading.load import load_lecture

#: Shapes of a sample: a table with one column besides the target, or several; images.
_SHAPES = {"csv": ((1,), (8,)), "folder": ((1, 28, 28), (3, 64, 64))}

_ELSEWHERE = {
    "csv": "can't train on a table: lectures 5 to 9 can",
    "folder": "can't train on a folder of images: lectures 9 to 11 can",
}


def kinds_of_own_data(lecture: Lecture) -> tuple[str, ...]:
    """`csv`, `folder`, both or neither: the user's data that `lecture` can train on."""
    if lecture.source is None:
        return _kinds_of_course(lecture.name)
    return ("csv",) if lecture.task == "regression" else ("csv", "folder")


def refuse_unsuitable_data(lecture: Lecture, dataset: str) -> None:
    """Raise InvalidValue for a table or a folder of images that `lecture` can't train on."""
    kind, _, _ = dataset.partition(":")
    if lecture.source is None and kind in _SHAPES and kind not in kinds_of_own_data(lecture):
        raise InvalidValue(f"{lecture.name} {_ELSEWHERE[kind]}", "dataset")


def refuse_unsuitable_inputs(lecture: Lecture, inputs: int) -> None:
    """Raise InvalidValue for a table with more `inputs` than `lecture` takes."""
    takes_one = lecture.source is None and not _takes(lecture, _SHAPES["csv"][1])
    if inputs > 1 and takes_one and _takes(lecture, _SHAPES["csv"][0]):
        raise InvalidValue(
            f"{lecture.name} trains on one column of numbers, and this table has {inputs} "
            "inputs: drop all columns but one and the target",
            "dataset",
        )


@functools.cache
def _kinds_of_course(name: str) -> tuple[str, ...]:
    lecture = load_lecture(find_lecture(name))
    return tuple(
        kind
        for kind, shapes in _SHAPES.items()
        if (kind == "csv" or lecture.task != "regression")
        and any(_takes(lecture, shape) for shape in shapes)
    )


def _takes(lecture: Lecture, shape: tuple[int, ...]) -> bool:
    """Whether the model takes samples of this shape, with the outputs of its task."""
    classes = {"regression": (), "binary": ("0", "1")}.get(str(lecture.task), ("0", "1", "2"))
    import torch  # puts off torch

    spec = DataSpec(shape, lecture.task or "multiclass", classes, vocabulary=("?",))
    try:
        with torch.device("meta"), torch.no_grad():
            model = lecture.model(spec, lecture.hyperparameters)
            outputs = model(torch.zeros((2, *shape)))
    except Exception:  # noqa: BLE001  with any error it doesn't take them
        return False
    return outputs.shape == (2, spec.outputs)
