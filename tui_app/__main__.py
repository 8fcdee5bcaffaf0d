"""`tutorch` and `python -m tui_app`."""

import os
import sys


def main() -> int:
    """Run the program; its exit code."""
    import signal

    # Until a run takes over there is nothing to save, and importing torch takes its time: without
    # this, Ctrl-C in the middle of an import would end in a traceback.
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    from tui_app.terminal.streams import open_missing_streams

    open_missing_streams()
    from tui_app.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
