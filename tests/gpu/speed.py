"""Measures seconds an epoch of MNIST's 60 000 images: the plain script, and tutorch in its ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from models.fields import fields_of
from tests.benchmarks import plain_script
from tests.benchmarks.training import torchvision_layout
from tests.gpu.check import Context, Row, Verdict, error_row
from tests.gpu.processes import output_of
from tests.gpu.runs import data_read_once, settings_for, train
from tests.gpu.ways import MANY, WAYS
from tui_app.runs.settings.run_options import RunOptions

#: Epochs of a measurement; the first one records the steps, and doesn't count.
_EPOCHS = 4

#: At most so many seconds an epoch, and at least so many times as fast as the script.
_TARGETS = {"9": (0.10, 40.0), "10": (0.25, 0.0)}

_NAMES = {"9": "softmax", "10": "10_basic", "11": "resnet"}


def _speed(lecture: str, context: Context) -> Iterator[Row]:
    """One lecture: the script, every way, and every precision of the fastest way."""
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
            except Exception as error:  # noqa: BLE001
                yield error_row(error, f"{way}, {precision}")


lecture_9 = partial(_speed, "9")
lecture_10 = partial(_speed, "10")
lecture_11 = partial(_speed, "11")


def _variants() -> list[tuple[str, Any]]:
    first, *others = fields_of(RunOptions)["precision"].choices
    return [*((way, first) for way in reversed(WAYS)), *((MANY, other) for other in others)]


def _row(context: Context, lecture: str, way: str, precision: str, script: float | None) -> Row:
    given = {**context.mnist, "epochs": _EPOCHS, "eval_every": _EPOCHS, "precision": precision}
    run = train(settings_for(context, _NAMES[lecture], **given), way)
    seconds = run.epoch_seconds[1:]
    best = min(seconds)
    result = f"{best:.3f} s an epoch ({best:.3f} to {max(seconds):.3f})"
    times = script / best if script else None
    result += f", {times:.1f} times as fast as the script" if times else ""
    why_not = run.why_not_recorded
    result += f"; not recorded: {why_not}" if why_not else ""
    is_default = (way, precision) == (MANY, _variants()[0][1])
    verdict = _verdict(context, lecture, best, times) if is_default else "n/a"
    return Row(f"{way}, {precision}", result, verdict, {f"{lecture} {way} {precision}": best})


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
