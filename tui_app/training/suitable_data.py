"""Says which data of the user's own a lecture can learn from, by trying its model on their shapes.

The model is tried on torch's meta device, which has shapes and no values: no memory is taken, no
random number is drawn. A user's own lecture isn't tried: what it doesn't take, its own error says.
"""

from __future__ import annotations

import functools

import torch

from datasets.dataset import DataSpec
from models import find_lecture
from models.fields import InvalidValue
from models.lecture import Lecture
from models.loading.load import load_lecture

#: Shapes of one sample: of a table with one column besides its target or several, of images.
_SHAPES = {"csv": ((1,), (8,)), "folder": ((1, 28, 28), (3, 64, 64))}

_ELSEWHERE = {
    "csv": "doesn't learn from a table: lectures 5 to 9 do",
    "folder": "doesn't learn from a folder of images: lectures 9 to 11 do",
}


def kinds_of_own_data(lecture: Lecture) -> tuple[str, ...]:
    """`csv`, `folder`, both or neither: what `lecture` can learn from of the user's own."""
    if lecture.source is None:
        return _kinds_of_course(lecture.name)
    return ("csv",) if lecture.task == "regression" else ("csv", "folder")


def refuse_unsuitable_data(lecture: Lecture, dataset: str) -> None:
    """Raise InvalidValue for a table or a folder of images that `lecture` can't learn from."""
    kind, _, _ = dataset.partition(":")
    if lecture.source is None and kind in _SHAPES and kind not in kinds_of_own_data(lecture):
        raise InvalidValue(f"{lecture.name} {_ELSEWHERE[kind]}", "dataset")


def refuse_unsuitable_inputs(lecture: Lecture, inputs: int) -> None:
    """Raise InvalidValue for a table that makes more `inputs` a sample than `lecture` takes."""
    is_of_one = lecture.source is None and not _takes(lecture, _SHAPES["csv"][1])
    if inputs > 1 and is_of_one and _takes(lecture, _SHAPES["csv"][0]):
        raise InvalidValue(
            f"{lecture.name} learns from one column of numbers, and this table gives {inputs} "
            "inputs: leave out all columns but one and the target",
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
    """Whether the model takes samples of this shape, and gives the outputs of its task."""
    classes = {"regression": (), "binary": ("0", "1")}.get(str(lecture.task), ("0", "1", "2"))
    spec = DataSpec(shape, lecture.task or "multiclass", classes, vocabulary=("?",))
    try:
        with torch.device("meta"), torch.no_grad():
            model = lecture.model(spec, lecture.hyperparameters)
            outputs = model(torch.zeros((2, *shape)))
    except Exception:  # noqa: BLE001  whatever the model raises, it doesn't take them
        return False
    return outputs.shape == (2, spec.outputs)
