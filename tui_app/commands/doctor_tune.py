"""Prints which number of threads is fastest for each net of the course, for `doctor --tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import print_json, print_list, print_to_stderr
from tui_app.text.columns import Column
from tui_app.text.quantities import counted

if TYPE_CHECKING:
    from tui_app.training.thread_tuning import TunedNet

_COLUMNS = (
    Column("lecture", importance=9),
    Column("data", importance=3),
    Column("threads", importance=8),
    Column("a step, by threads", importance=7, least=30),
)


def print_tuning(*, as_json: bool) -> int:
    """Measure all nets and print a table, or JSON; return the exit code."""
    from tui_app.training.thread_tuning import tune_course  # puts off torch

    nets: list[TunedNet] = []
    for net in tune_course():
        nets.append(net)
        print_to_stderr(f"measured {net.lecture}")
    if as_json:
        print_json([_plain(net) for net in nets])
    else:
        print_list(_COLUMNS, [_row(net) for net in nets])
    return ExitCode.DONE


def _row(net: TunedNet) -> list[str]:
    if net.times is None:
        return [net.lecture, net.dataset, "1", net.reason]
    seconds = sorted(net.times.seconds.items())
    texts = (f"{counted(count, 'thread')}: {1000 * each:.2f} ms" for count, each in seconds)
    return [net.lecture, net.dataset, str(net.times.best), ", ".join(texts)]


def _plain(net: TunedNet) -> dict[str, Any]:
    seconds = {str(count): each for count, each in net.times.seconds.items()} if net.times else {}
    best = net.times.best if net.times else 1
    return {
        "lecture": net.lecture,
        "dataset": net.dataset,
        "threads": best,
        "step_seconds": seconds,
        "reason": net.reason,
    }
