"""What the form needs of a lecture: imported, in a thread, since that imports torch."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui_app.messages import DevicesFound, LectureBroken, LectureReady


def load(path: Path, given: Mapping[str, Any], runs_dir: Path) -> LectureReady | LectureBroken:
    """Import the lecture; `given` are settings from the command line, which override the others."""
    from models import LectureError, load_lecture
    from models.fields import InvalidValue, fields_of
    from tui_app.configuration import configured
    from tui_app.draft import Draft
    from tui_app.training.options import RunOptions

    try:
        lecture = load_lecture(path)
        settings = configured({**lecture.fields, **fields_of(RunOptions)}, lecture.name)
        settings = {**settings, **given}
        Draft(lecture, str(runs_dir), settings).defaults()
    except (LectureError, InvalidValue) as error:
        return LectureBroken(str(error))
    data_dir = str(settings.get("data_dir", ""))
    return LectureReady(lecture, settings, {"dataset": _datasets(lecture.datasets, data_dir)})


def warm_up() -> None:
    """Import what training will import anyway, while its settings are still being read.

    Every optimizer of torch imports torch._dynamo when it is made, which takes a second or two.
    """
    import torch

    import tui_app.training.session  # noqa: F401

    torch.optim.SGD([torch.zeros(1)], lr=1.0)
    # What was imported stays. Python would look at all of it again and again for what can go, and
    # no key is answered meanwhile: a quarter of a second each time.
    gc.freeze()


def find_devices() -> DevicesFound:
    """The devices that answer."""
    from tui_app.training.device import available_devices

    choices = [("auto, the one with most free memory", "auto")]
    for device in available_devices():
        free = f", {device.free_memory / 2**30:.1f} GiB free" if device.total_memory else ""
        choices.append((f"{device.name}, {device.title}{free}", device.name))
    return DevicesFound(choices)


def _datasets(names: tuple[str, ...], data_dir: str) -> list[tuple[str, str]]:
    from datasets import UnknownDataset, get_dataset
    from tui_app.commands.data import state_of

    choices = []
    for name in names:
        try:
            state = state_of(get_dataset(name), Path(data_dir) if data_dir else None)
        except UnknownDataset:
            state = "unknown"
        choices.append((f"{name}, {state}", name))
    return choices
