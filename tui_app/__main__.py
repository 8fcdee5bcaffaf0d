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
    from tui_app.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
