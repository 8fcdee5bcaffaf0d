"""Asks on a terminal whether the user trusts code before it runs; `--trust` says so elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from models.user_files.trust import UntrustedSource, trust
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_source import SourceChoice
from tui_app.runs.run_trust import untrusted_source
from tui_app.terminal.printing import print_to_stderr
from tui_app.text.escaping import printable

_Loaded = TypeVar("_Loaded")


def load_trusted(load: Callable[[], _Loaded], *, is_trusted: bool = False) -> _Loaded:
    """Call `load`; if it meets code that isn't trusted and the user trusts it, call it again.

    The user trusts it if `is_trusted`, or by an answer on a terminal. Raises UntrustedSource.
    """
    try:
        return load()
    except UntrustedSource as error:
        if not (is_trusted or _is_trusted_now(error)):
            raise
        _store_trust(error)
    return load()


def trust_run(folder: RunFolder, use: SourceChoice | None) -> None:
    """Trust the code of this run, as `--trust` says."""
    error = untrusted_source(folder, use or "kept")
    if error is not None:
        _store_trust(error)


def _store_trust(error: UntrustedSource) -> None:
    problem = trust(error.source)
    print_to_stderr(problem or f"{error.source.path} is trusted from now on, until it changes")


def _is_trusted_now(error: UntrustedSource) -> bool:
    """Ask the user; False if there is no terminal to ask on."""
    is_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if not is_terminal or os.environ.get("CI"):
        return False
    _discard_input()
    width = max(len(name) for name, _ in error.facts)
    lines = ["This is Python code that you haven't trusted yet:"]
    lines += [f"  {name:<{width}}  {printable(value)}" for name, value in error.facts]
    sys.stderr.write("\n".join([*lines, "It would run with your rights. Trust it? [y/N] "]))
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D
        sys.stderr.write("\n")
    return answer.strip().lower() in ("y", "yes")


def _discard_input() -> None:
    """Discard what was typed before the question."""
    with suppress(ImportError, OSError, ValueError):
        import termios

        with suppress(termios.error):
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
