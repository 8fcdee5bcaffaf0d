"""Runs torchrun's agent for `--devices N`, without its banners: `launch_local.py` starts it.

Usage: python -m tui_app.training.ranks.launch_agent COUNT PIPE WORD ...
PIPE is the number of a file descriptor from which nothing can be read while the parent lives.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_app.runs.exit_codes import ExitCode
from tui_app.training.ranks.launch_folder import LaunchFolder

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure


def main(argv: list[str]) -> int:
    """Start the ranks and wait for them; return the exit code of rank 0."""
    count, pipe, *words = argv
    threading.Thread(target=_end_with_parent, args=(int(pipe),), daemon=True).start()
    logging.disable(logging.CRITICAL)  # torchrun's warnings and tracebacks
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    folder = LaunchFolder.from_environment(os.environ)
    assert folder is not None  # the parent made it
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(count),
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",  # the host's own name may have no address
        max_restarts=0,
        monitor_interval=0.1,
        logs_specs=DefaultLogsSpecs(log_dir=str(folder.path / "torchrun")),
    )
    try:
        elastic_launch(config, sys.executable)("-P", "-m", "tui_app", *words)
    except SignalException as error:
        return folder.read_exit_code() or 128 + error.sigval
    except ChildFailedError as error:
        recorded = folder.read_exit_code()
        return recorded if recorded is not None else _report(error.failures)
    return folder.read_exit_code() or ExitCode.DONE


def _end_with_parent(pipe: int) -> None:
    """Let the ranks save and end once the parent is gone, even if it was killed."""
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _report(failures: Mapping[int, ProcessFailure]) -> int:
    """Print which rank ended the others, unless rank 0 did; return the exit code."""
    if 0 in failures and failures[0].exitcode > 0:
        return failures[0].exitcode
    rank, failure = min(failures.items(), key=lambda item: item[1].timestamp)
    how = f"ended with exit code {failure.exitcode}"
    if failure.exitcode < 0:
        how = f"was killed by {signal.Signals(-failure.exitcode).name}"
    sys.stderr.write(
        f"rank {rank} (host {platform.node()}, process {failure.pid}) {how}, and the others were "
        "ended. "
        "`tutorch resume last` continues the run from its last checkpoint\n"
    )
    return ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
