"""Compares the GPU with the CPU on the lectures whose models have a few parameters."""

from __future__ import annotations

from collections.abc import Iterator

from datasets import get_dataset
from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.gpu.check import Context, Row
from tests.gpu.runs import settings_for, train
from tui_app.training.prepare import prepare

#: The most parameters of such a model.
_FEW = 10

#: Epochs of a measurement; lecture 2 has as many as its search has values.
_EPOCHS = 400


def against_cpu(context: Context) -> Iterator[Row]:
    """Train them on both; `--device auto` is to choose the faster."""
    for name in lecture_names():
        lecture = load_lecture(find_lecture(name))
        if get_dataset(lecture.datasets[0]).files:  # the small ones need no download
            continue
        if prepare(settings_for(context, lecture, device="cpu")).parameters > _FEW:
            continue
        epochs = {} if lecture.optimizer is not None else {"epochs": _EPOCHS}
        chosen = prepare(settings_for(context, lecture, device="auto", **epochs))
        seconds = {
            device: _seconds_an_epoch(context, name, device, epochs) for device in ("cpu", "cuda:0")
        }
        result = f"CPU {1e6 * seconds['cpu']:.0f} us an epoch, GPU {1e6 * seconds['cuda:0']:.0f}; "
        result += f"--device auto chooses {chosen.device.name}"
        # Twice: a choice that costs less than that is no fault.
        is_right = seconds.get(chosen.device.name, 0.0) <= 2 * min(seconds.values())
        yield Row(name, result, context.judged(is_right, "too slow"))


def _seconds_an_epoch(context: Context, lecture: str, device: str, given: dict[str, int]) -> float:
    """Seconds of the whole run for each epoch, with all that it records and measures."""
    run = train(settings_for(context, lecture, device=device, **given))
    return run.completed.seconds / run.completed.epoch
