"""`tutorch` and `python -m tui_app`."""

import os
import sys


def main() -> int:
    """Run the program and return its exit code."""
    import signal

    # Before a run begins there is nothing to save, and importing torch takes seconds: without this,
    # Ctrl-C during an import would print a traceback.
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    from tui_app.terminal.streams import open_missing_streams  # after the handler above

    open_missing_streams()
    if "WORLD_SIZE" in os.environ:
        return _run_rank()
    from tui_app.cli import run

    return run(sys.argv[1:])


def _run_rank() -> int:
    """Run as one of the ranks that torchrun started. Commands that don't train are rank 0's."""
    from tui_app.cli import run, trains
    from tui_app.training.ranks.rank_process import (
        begin_rank,
        end_rank,
        find_launch,
        leave_group,
        show_held_errors,
    )

    argv, launch = sys.argv[1:], find_launch(os.environ)
    if launch is None:  # the commands that train say what is wrong
        return run(argv)
    begin_rank(launch)  # before torch is imported
    if not trains(argv):
        if launch.rank:
            return 0
        leave_group(os.environ)
    try:
        exit_code = run(argv)
    except BaseException:  # a bug, whose traceback Python prints
        show_held_errors()
        raise
    end_rank(launch, exit_code)
    # Threads of torch that still run when the interpreter ends would abort the process at times,
    # and torchrun would take a run that has completed for one that failed.
    os._exit(exit_code)


if __name__ == "__main__":
    sys.exit(main())
