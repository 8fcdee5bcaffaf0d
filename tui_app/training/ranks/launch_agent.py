"""Runs torchrun's agent for `--devices N`, without its banners: `launch_local.py` starts it.

Usage: python -m tui_app.training.ranks.launch_agent COUNT PIPE WORD ...
PIPE is the number of a file descriptor from which nothing can be read while the parent lives.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import as_argument
from tui_app.runs.run_folder import RunFolder
from tui_app.text.escaping import printable
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
        if recorded is not None:
            return recorded
        sys.stderr.write(describe(error.failures, folder))
        return _code_of_rank_0(error.failures) or ExitCode.FAILED
    return folder.read_exit_code() or ExitCode.DONE


def _end_with_parent(pipe: int) -> None:
    """Let the ranks save and end once the parent is gone, even if it was killed."""
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _code_of_rank_0(failures: Mapping[int, ProcessFailure]) -> int:
    """The exit code that rank 0 failed with; 0 if another rank ended it, or a signal."""
    return max(0, failures[0].exitcode) if 0 in failures else 0


def describe(failures: Mapping[int, ProcessFailure], folder: LaunchFolder) -> str:
    """Which rank ended the others, and how its run goes on; empty if rank 0 has said why it ended,
    or the user stopped it.
    """
    if _code_of_rank_0(failures) or folder.read_stop() is not None:
        return ""
    rank, failure = min(failures.items(), key=lambda item: item[1].timestamp)
    how = f"ended with exit code {failure.exitcode}"
    if failure.exitcode < 0:
        how = f"was killed by {signal.Signals(-failure.exitcode).name}"
    text = f"rank {rank} (process {failure.pid}) {how}, and the others were ended"
    run = folder.read_run()
    if run is None:
        return f"{text}\n"
    name = printable(as_argument(RunFolder(run)))
    return f"{text}. `tutorch resume {name}` continues the run from its last checkpoint\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
