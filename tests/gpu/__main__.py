"""Checks and measures every claim about CUDA, and prints one table.

    python -m tests.gpu --data-dir FOLDER --out FOLDER

The first FOLDER holds MNIST, the second gets `rows.jsonl` (a row as soon as it is found),
`table.md` and `log.txt`. Each check runs in a process of its own with a time limit; all of them
take less than 8 minutes on one H100. It needs no network, and tutorch needn't be installed: run it
from the root of the checkout. The exit code is 0 if every row is ok, 1 if one isn't, 4 without a
CUDA device.

Besides torch with CUDA, torchvision and numpy it needs what a machine for deep learning mostly has
(filelock, markdown-it-py, nvidia-ml-py, pillow, psutil, pygments, requests, rich, scikit-learn,
typing-extensions; hypothesis, pytest and pytest-timeout for the tests), and these small packages:

    docstring-parser platformdirs pooch tyro typeguard                          every check
    linkify-it-py mdit-py-plugins plotext<6 textual textual-plotext uc-micro-py   tests, app
    pexpect ptyprocess pyte wcwidth                                              tests, app

A check that lacks a package says so in its row. For a machine without a network, fetch the wheels
on another and take them there:

    pip download --no-deps --only-binary=:all: --python-version 3.12 -d wheels PACKAGE...
    pip install --no-deps --no-index --target site wheels/*.whl
    PYTHONPATH=site python -m tests.gpu --data-dir FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.gpu.catalogue import CHECKS
from tests.gpu.check import Check
from tests.gpu.runner import Report, Runner, end_on_signals, is_cuda_there
from tui_app.runs.exit_codes import ExitCode


def main(argv: list[str] | None = None) -> int:
    """Run the checks that were asked for."""
    arguments = parser().parse_args(argv)
    checks = chosen(arguments.only)
    if arguments.list:
        for check in checks:
            sys.stdout.write(f"{check.name:14} {check.seconds:3} s  {check.title}\n")
        return ExitCode.DONE
    if not checks or arguments.data_dir is None or arguments.out is None:
        sys.stderr.write("--data-dir and --out are required, and --only names parts of checks\n")
        return ExitCode.USAGE
    is_there, sentence = is_cuda_there()
    if not is_there:
        sys.stderr.write(f"{sentence}\n")
        return ExitCode.DEVICE_UNAVAILABLE
    end_on_signals()
    report = Report(arguments.out.resolve())
    limit = 60 * arguments.minutes
    runner = Runner(
        report, arguments.data_dir.resolve(), limit, arguments.slowness, arguments.rehearse
    )
    is_ok = runner.run(checks)
    sys.stdout.write(f"\n{report.table.read_text('utf-8')}")
    return ExitCode.DONE if is_ok else ExitCode.FAILED


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST")
    parser.add_argument("--out", type=Path, help="the folder of the results")
    parser.add_argument("--only", nargs="+", default=[], help="names of checks, or parts of them")
    parser.add_argument("--list", action="store_true", help="list the checks and do nothing")
    parser.add_argument("--minutes", type=float, default=8.0, help="the limit of all checks")
    parser.add_argument(
        "--slowness", type=float, default=1.0, help="multiplies the limit of each check"
    )
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="the device only pretends to compute: no row judges numbers or times",
    )
    return parser


def chosen(only: list[str]) -> list[Check]:
    """The checks whose names contain one of `only`; all of them if it is empty."""
    return [check for check in CHECKS if not only or any(part in check.name for part in only)]


if __name__ == "__main__":
    sys.exit(main())
