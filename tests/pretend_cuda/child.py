"""Runs processes over the pretend CUDA."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.pretend_cuda.build import SOURCES

#: Bytes of a card: so few that a program that leaks them leaves the host enough.
MEMORY = 4 << 30


def environment(library: Path, devices: int = 1, memory: int = MEMORY) -> dict[str, str]:
    """The environment of a process over `library`, with cards of `memory` bytes."""
    # By its variables one pytest would change another that it starts.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    folders = [str(SOURCES.with_name("startup")), str(SOURCES.parents[2])]
    return {
        **kept,
        "LD_PRELOAD": str(library),
        "PRETEND_CUDA_DEVICES": str(devices),
        "PRETEND_CUDA_MEMORY": str(memory),
        "PYTHONPATH": os.pathsep.join([*folders, *filter(None, [kept.get("PYTHONPATH")])]),
        "PYTEST_PLUGINS": "tests.pretend_cuda.plugin",
    }


def run_python(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float
) -> tuple[int, str]:
    """Run Python with these arguments; its exit code and all that it printed.

    Ends it and every process of its group after `timeout` seconds, and raises TimeoutExpired.
    """
    child = subprocess.Popen(
        [sys.executable, *argv],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with child:
        try:
            printed, _ = child.communicate(timeout=timeout)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, printed
