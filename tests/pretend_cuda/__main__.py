"""Runs a command over the pretend CUDA: `python -m tests.pretend_cuda [options] COMMAND...`."""

from __future__ import annotations

import argparse
import os
import sys

from tests.pretend_cuda.build import Unavailable, build
from tests.pretend_cuda.child import MEMORY, environment

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text: str) -> int:
    """The bytes of `64M` or `1000`. Raises ValueError."""
    unit = _UNITS.get(text[-1:].upper(), 0)
    return int(text[:-1]) * unit if unit else int(text)


def main() -> None:
    """Become the command; exit with 2 where the pretend CUDA can't be built."""
    parser = argparse.ArgumentParser(prog="python -m tests.pretend_cuda", description=__doc__)
    parser.add_argument("--devices", type=int, default=1, help="how many cards there are")
    parser.add_argument("--memory", type=size, default=MEMORY, help="of each card, as 64M; 4G")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="`python` is this Python")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("which command?")
    try:
        library = build()
    except Unavailable as reason:
        parser.error(str(reason))
    program, *argv = arguments.command
    program = sys.executable if program == "python" else program
    env = environment(library, arguments.devices, arguments.memory)
    os.execvpe(program, [program, *argv], env)


if __name__ == "__main__":
    main()
