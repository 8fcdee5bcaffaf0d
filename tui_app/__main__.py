"""`tutorch` and `python -m tui_app`."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def main() -> int:
    """Run the program; its exit code."""
    import signal

    # Until a run takes over there is nothing to save, and importing torch takes its time: without
    # this, Ctrl-C in the middle of an import would end in a traceback.
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    from tui_app.streams import open_missing_streams

    open_missing_streams()
    from tui_app.cli import run

    return run(sys.argv[1:])


def _forget_working_folder() -> None:
    """Take off the import path what `python -m` puts there first: the working folder, where a
    user's own torch.py or random.py may lie.
    """
    with suppress(FileNotFoundError):  # it may be gone
        if not sys.flags.safe_path and sys.path[1:2] == [str(Path.cwd())]:
            del sys.path[1]  # after the folder of tui_app, which it has put first itself


if __name__ == "__main__":
    _forget_working_folder()
    sys.exit(main())
