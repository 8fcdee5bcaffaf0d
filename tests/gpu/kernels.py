"""Profiles steady steps: the kernels' time, the gaps between them, and the GPU's busy share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from tests.gpu.check import Context, Row, error_row
from tests.gpu.runs import data_read_once, settings_for
from tests.gpu.ways import MANY, WAYS, Steps
from tui_app.training.prepare import prepare

#: Steps before the steady ones, those that are timed, and those that are profiled: all of an epoch.
_FIRST, _TIMED, _PROFILED = 200, 640, 64

#: The share of the time of lecture 9's and 10's recorded steps in which the GPU is to compute.
_BUSY = 0.8


@dataclass(frozen=True)
class Kernels:
    """The kernels of some steps, as (start, end) in microseconds, in their order."""

    spans: Sequence[tuple[float, float]]

    @property
    def busy(self) -> float:
        """The microseconds in which at least one kernel runs."""
        total, until = 0.0, 0.0
        for start, end in self.spans:
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    @property
    def gaps(self) -> list[float]:
        """The microseconds between each kernel and the next."""
        gaps, until = [], self.spans[0][1] if self.spans else 0.0
        for start, end in self.spans[1:]:
            gaps.append(max(0.0, start - until))
            until = max(until, end)
        return gaps

    @property
    def span(self) -> float:
        """The microseconds from the first kernel's start to the last one's end."""
        return max((end for _, end in self.spans), default=0.0) - self.spans[0][0]


def _busy_share(lecture: str, context: Context) -> Iterator[Row]:
    """Profile a lecture on MNIST, in each way of running steps.

    Graphs of many steps first: CUPTI may trace nothing in a second session of a process.
    """
    with data_read_once():
        for way in WAYS:
            try:
                yield _row(context, lecture, way)
            except Exception as error:  # noqa: BLE001 # the others are profiled all the same
                yield error_row(error, way)


lecture_9 = partial(_busy_share, "softmax")
lecture_10 = partial(_busy_share, "10_basic")
lecture_11 = partial(_busy_share, "resnet")


def _row(context: Context, lecture: str, way: str) -> Row:
    training = prepare(settings_for(context, lecture, **context.mnist))
    with closing(Steps(training, way)) as steps:
        steps.run(_FIRST)
        wall = _seconds(steps, _TIMED) / _TIMED * 1e6
        kernels = _profiled(steps, _PROFILED)
    if not kernels.spans:
        return Row(way, f"{wall:.1f} us a step; no kernel was traced", "n/a")
    busy, count = kernels.busy / _PROFILED, len(kernels.spans) / _PROFILED
    share, traced = busy / wall, kernels.busy / kernels.span
    result = (
        f"{wall:.1f} us a step, of it {busy:.1f} in {count:.1f} kernels: busy {100 * share:.0f} %; "
        f"while profiled {100 * traced:.0f} %, median gap {statistics.median(kernels.gaps):.2f} us"
    )
    # The other ways are there to compare with, and ResNet has no target.
    is_judged = way == MANY and lecture != "resnet"
    verdict = context.judged(share > _BUSY, "too slow") if is_judged else "n/a"
    return Row(way, result, verdict, {f"busy {lecture} {way}": share})


def _seconds(steps: Steps, count: int) -> float:
    """The seconds that so many steps take, until the GPU has done them."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    steps.run(count)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _profiled(steps: Steps, count: int) -> Kernels:
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        steps.run(count)
        torch.cuda.synchronize()
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in profiled.events() or []
        if event.device_type == DeviceType.CUDA
    ]
    return Kernels(sorted(spans))
