"""Measures seconds an epoch of MNIST's 60 000 images: the plain script, and tutorch in its ways."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from models.fields import fields_of
from tests.benchmarks import plain_script
from tests.benchmarks.training import torchvision_layout
from tests.gpu.check import Context, Row, Verdict, error_row
from tests.gpu.processes import output_of
from tests.gpu.runs import Trained, data_read_once, settings_for, train
from tests.gpu.ways import MANY, WAYS
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training import build_model

#: Epochs of a measurement; the first one records the steps, and doesn't count.
_EPOCHS = 4

#: At most so many seconds an epoch, and at least so many times as fast as the script.
_TARGETS = {"9": (0.10, 40.0), "10": (0.25, 0.0)}

#: Lectures whose models have convolutions.
_CONVOLUTIONS = ("10", "11")

_NAMES = {"9": "softmax", "10": "10_basic", "11": "resnet"}


def _speed(lecture: str, context: Context) -> Iterator[Row]:
    """One lecture: the script, every way, and every precision with graphs of many steps."""
    script = None
    try:
        script = script_seconds(context, lecture)
        yield Row("plain script", f"{script:.2f} s an epoch", "n/a", {f"script {lecture}": script})
    except Exception as error:  # noqa: BLE001 # the ways are measured all the same
        yield error_row(error, "plain script")
    with data_read_once():
        for way, precision in _variants():
            try:
                yield _row(context, lecture, way, precision, script)
                if way == MANY and lecture in _CONVOLUTIONS:
                    yield _layout_row(context, lecture, precision)
            except Exception as error:  # noqa: BLE001 # the other variants are measured all the same
                yield error_row(error, f"{way}, {precision}")


lecture_9 = partial(_speed, "9")
lecture_10 = partial(_speed, "10")
lecture_11 = partial(_speed, "11")


def _variants() -> list[tuple[str, Any]]:
    first, *others = fields_of(RunOptions)["precision"].choices
    return [*((way, first) for way in reversed(WAYS)), *((MANY, other) for other in others)]


def _train(context: Context, lecture: str, way: str, precision: str) -> Trained:
    given = {**context.mnist, "epochs": _EPOCHS, "eval_every": _EPOCHS, "precision": precision}
    return train(settings_for(context, _NAMES[lecture], **given), way)


def _row(context: Context, lecture: str, way: str, precision: str, script: float | None) -> Row:
    run = _train(context, lecture, way, precision)
    best, result = _seconds(run)
    times = script / best if script else None
    result += f", {times:.1f} times as fast as the script" if times else ""
    why_not = run.why_not_recorded
    result += f"; not recorded: {why_not}" if why_not else ""
    is_default = (way, precision) == (MANY, _variants()[0][1])
    verdict = _verdict(context, lecture, best, times) if is_default else "n/a"
    return Row(f"{way}, {precision}", result, verdict, {f"{lecture} {way} {precision}": best})


def _seconds(run: Trained) -> tuple[float, str]:
    """The seconds of the fastest epoch but the first, and these epochs in words."""
    seconds = run.epoch_seconds[1:]
    return min(seconds), f"{min(seconds):.3f} s an epoch ({min(seconds):.3f} to {max(seconds):.3f})"


def _layout_row(context: Context, lecture: str, precision: str) -> Row:
    """The layout of convolutions that tutorch doesn't choose, right after the one that it does."""
    chosen, _ = _seconds(_train(context, lecture, MANY, precision))
    with other_layout() as name:
        other, result = _seconds(_train(context, lecture, MANY, precision))
    result += f", {other / chosen:.2f} times those of the layout that tutorch chooses"
    verdict = context.judged(other >= 0.95 * chosen, "too slow")
    return Row(f"{MANY}, {precision}, {name()}", result, verdict)


@contextmanager
def other_layout() -> Iterator[Callable[[], str]]:
    """Let models that are built meanwhile have the layout that isn't chosen; it yields its name."""
    wanted, last = build_model.wants_channels_last, False

    def unwanted(*of: Any) -> bool:
        nonlocal last
        last = not wanted(*of)
        return last

    with mock.patch.object(build_model, "wants_channels_last", unwanted):
        yield lambda: "channels_last" if last else "contiguous"


def _verdict(context: Context, lecture: str, seconds: float, times: float | None) -> Verdict:
    if lecture not in _TARGETS:
        return "n/a"
    most, least_times = _TARGETS[lecture]
    is_met = seconds <= most and (times is None or times >= least_times)
    return context.judged(is_met, "too slow")


def script_seconds(context: Context, lecture: str) -> float:
    """Seconds of the faster of the script's two epochs, in a process of its own."""
    folder = context.data_dir
    if not (folder / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        folder = torchvision_layout(folder, context.scratch)
    words = [str(Path(plain_script.__file__)), lecture, str(folder), "cuda", "2"]
    return min(map(float, output_of([sys.executable, *words]).split()))
