"""`tutorch` and `python -m tui_app`."""

import sys


def main() -> int:
    """Run the program; its exit code."""
    from tui_app.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
