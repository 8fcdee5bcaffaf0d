"""Checks what happens when the GPU's memory is too small, and that runs leave none behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from tests.gpu.agreement import difference
from tests.gpu.check import Context, Row, error_row
from tests.gpu.runs import Trained, data_read_once, settings_for, train
from tests.gpu.ways import EAGER, MANY
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.devices.device import release_gpu_memory

_MIB = 2**20

#: Samples in a batch that is to be too large: its activations dwarf all else that is on the card.
_BATCH = 4096

#: Samples of MNIST that are trained on: two batches, and a smaller one.
_SAMPLES = 2 * _BATCH + 512

#: Shares of a whole batch's memory that a run is left with.
_SHARES = (1.5, 1.1, 0.9, 0.7, 0.5)


def limited(context: Context) -> Iterator[Row]:
    """Train lecture 11's ResNet with less and less memory, by torch's limit for a process."""
    given = {**context.mnist, "batch_size": _BATCH, "epochs": 6}
    with data_read_once(_SAMPLES):
        whole = train(settings_for(context, "resnet", **given), EAGER)
        peak = torch.cuda.max_memory_reserved()
        forget_runs()
        needed = peak - torch.cuda.memory_reserved()
        yield Row(f"ResNet, a batch of {_BATCH}", f"needs {needed / _MIB:.0f} MiB", "n/a")
        for share in _SHARES:
            what = f"{100 * share:.0f} % of it"
            try:
                with little_memory(share * needed):
                    run = train(settings_for(context, "resnet", **given))
                yield _limited_row(context, what, run, whole, must_split=share <= 0.5)
            except Exception as error:  # noqa: BLE001 # the other shares are tried all the same
                yield error_row(error, what)
        with little_memory(_SHARES[-1] * needed):
            stopped = train(settings_for(context, "resnet", **given, on_oom="stop"))
    is_ok = stopped.completed.exit_code == ExitCode.DEVICE_UNAVAILABLE
    result = f"{stopped.completed.state}: {stopped.completed.reason}"
    yield Row("--on-oom stop", result, "ok" if is_ok else "failed")


@contextmanager
def little_memory(size: float) -> Iterator[None]:
    """Leave torch so many bytes on the first GPU meanwhile, besides those that it has now."""
    forget_runs()
    total = torch.cuda.mem_get_info(0)[1]
    limit = (torch.cuda.memory_reserved() + size) / total
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit), 0)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
        forget_runs()


def forget_runs() -> None:
    """Free what ended runs held, as the app does after each."""
    gc.collect()
    release_gpu_memory()


def _limited_row(
    context: Context, what: str, run: Trained, whole: Trained, *, must_split: bool
) -> Row:
    parts = run.parts
    if run.completed.state != "completed":
        return Row(what, f"{run.completed.state}: {run.completed.reason}", "failed")
    losses, weights = difference(run, whole)
    how = "as a whole" if parts == 1 else f"in {parts} parts"
    why_not = run.why_not_recorded
    recorded = f"not recorded, since {why_not}" if why_not else "recorded"
    result = f"each batch {how}, {recorded}; losses and weights differ by {losses:.1g} "
    result += f"and {weights:.1g}"
    # Between, only the allocator knows whether the memory is enough.
    is_split = parts > 1 or not must_split
    verdict = context.judged(max(losses, weights) <= 0.01) if is_split else "failed"
    return Row(what, result, verdict)


#: Runs in one process, as in an app that stays open; from `_SETTLED` on, no more memory is used.
_RUNS, _SETTLED = 40, 8


def forty_runs(context: Context) -> Iterator[Row]:
    """Train 40 runs of three nets in one process: its memory stays flat."""
    lectures, used, resident = ("softmax", "10_basic", "resnet"), [], []
    process, idle = psutil.Process(), torch.cuda.mem_get_info(0)[1] - torch.cuda.mem_get_info(0)[0]
    with data_read_once():
        for number in range(_RUNS):
            train(settings_for(context, lectures[number % len(lectures)], epochs=2), MANY)
            forget_runs()
            free, total = torch.cuda.mem_get_info(0)
            used.append((total - free - idle) / _MIB)
            resident.append(process.memory_info().rss / _MIB)
    yield _growth_row("memory on the card", used, 16)
    yield _growth_row("memory of the process", resident, 64)


def _growth_row(what: str, used: list[float], allowed: float) -> Row:
    """The MiB after some of the runs; ok if they grow by at most `allowed` after the first ones."""
    some = ", ".join(f"{used[i - 1]:.0f}" for i in (1, _SETTLED, _RUNS // 2, _RUNS))
    result = f"{some} MiB after 1, {_SETTLED}, {_RUNS // 2} and {_RUNS} runs"
    growth = used[-1] - used[_SETTLED - 1]
    return Row(what, result, "ok" if growth <= allowed else "failed")
