"""Describes the environment of a run for run.json: versions, machine and command line."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui_app.runs.secrets import without_password
from tui_app.version import __version__

#: The packages that a run's numbers can depend on.
_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow")

_TOP = Path(__file__).resolve().parents[2]


def environment() -> dict[str, Any]:
    """The fields of run.json that describe where and with what a run was started."""
    import numpy
    import torch

    return {
        "versions": {
            "tutorch": __version__,
            "commit": commit(_TOP),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "numpy": numpy.__version__,
        },
        "packages": _packages(),
        # The processor decides the kernels, and with them the last digits of every number.
        "machine": {
            "cpu": _processor(),
            "cores": os.cpu_count(),
            "kernels": torch.backends.cpu.get_cpu_capability(),
            "system": platform.platform(),
        },
        # torch's defaults; recorded because they decide the last digits on newer GPUs.
        "tf32": {
            "matmul": torch.backends.cuda.matmul.allow_tf32,
            "cudnn": torch.backends.cudnn.allow_tf32,
        },
        "host": socket.gethostname(),
        "created": time.time(),
        "argv": [*map(without_password, sys.argv)],
    }


def commit(checkout: Path) -> str | None:
    """The git commit of a checkout; None for a folder that isn't one, such as an installed package.
    Reads the files of .git, since git may not be installed.
    """
    git = checkout / ".git"
    try:
        if git.is_file():  # of a worktree: names its folder
            git = checkout / git.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text("utf-8").strip()
        if head.startswith("ref:"):
            head = _resolved(git, head.removeprefix("ref:").strip())
    except (OSError, ValueError):
        return None
    return head if re.fullmatch(r"[0-9a-f]{40,64}", head) else None


def _resolved(git: Path, ref: str) -> str:
    """The commit of a branch, whose file is in the main repository for a worktree."""
    with suppress(FileNotFoundError):
        git = git / (git / "commondir").read_text("utf-8").strip()
    with suppress(FileNotFoundError):
        return (git / ref).read_text("utf-8").strip()
    packed = (git / "packed-refs").read_text("utf-8").splitlines()
    return next((line.split(" ")[0] for line in packed if line.endswith(f" {ref}")), "")


@functools.cache
def _packages() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


@functools.cache
def _processor() -> str:
    """The processor's name, or its architecture if the system doesn't name it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model", "cpu model"):
                return value.strip()
    return platform.processor() or platform.machine()
