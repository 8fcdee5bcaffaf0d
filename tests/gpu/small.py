"""Compares the GPU with the CPU on the lectures whose models have a few parameters."""

from __future__ import annotations

from collections.abc import Iterator

from datasets import get_dataset
from models import find_lecture, lecture_names
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.gpu.check import Context, Row
from tests.gpu.runs import settings_for, train
from tui_app.training.prepare import prepare

#: The most parameters of such a model.
_FEW = 2000

#: Steps of a measurement, about; lecture 2 has as many as its search has values.
_STEPS = 600


def against_cpu(context: Context) -> Iterator[Row]:
    """Train them on both; `--device auto` is to choose the faster."""
    for name in lecture_names():
        lecture = load_lecture(find_lecture(name))
        if get_dataset(lecture.datasets[0]).files:  # the small ones need no download
            continue
        training = prepare(settings_for(context, lecture, device="cpu"))
        if training.parameters <= _FEW:
            is_free = lecture.optimizer is None
            epochs = {"epochs": max(10, _STEPS // len(training.batches))} if is_free else {}
            yield _row(context, lecture, epochs)


def _row(context: Context, lecture: Lecture, epochs: dict[str, int]) -> Row:
    chosen = prepare(settings_for(context, lecture, device="auto")).device
    devices = ("cpu", "cuda:0")
    cpu, gpu = (_seconds_a_step(context, lecture, device, epochs) for device in devices)
    result = f"CPU {1e6 * cpu:.0f} us a step, GPU {1e6 * gpu:.0f}; "
    result += f"--device auto chooses {chosen.name}"
    # Twice: a choice that costs less than that is no fault.
    taken = cpu if chosen.name == "cpu" else gpu
    verdict = context.judged(taken <= 2 * min(cpu, gpu), "too slow")
    return Row(lecture.name, result, verdict)


def _seconds_a_step(
    context: Context, lecture: Lecture, device: str, epochs: dict[str, int]
) -> float:
    """Seconds of the whole run for each step, with all that it records and measures."""
    run = train(settings_for(context, lecture, device=device, **epochs))
    return run.completed.seconds / run.completed.step
