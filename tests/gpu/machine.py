"""Says what the machine is, and runs the tests that need a GPU."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pynvml
import torch

from tests.gpu.check import Context, Row
from tests.program import ROOT, environment
from tui_app.monitoring.system_stats import read_system_stats
from tui_app.training.devices.device import query_device
from tui_app.training.devices.nvidia import gpu_handle

_PACKAGES = ("torchvision", "numpy", "textual", "plotext", "tyro", "pexpect", "pyte")


def versions(context: Context) -> Iterator[Row]:
    """Versions, the card, its driver, and what NVML says."""
    built = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    yield Row("Python, torch", f"{platform.python_version()}, {torch.__version__} ({built})")
    yield Row("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES), "n/a")
    device = query_device("cuda:0")
    if device is None:
        yield Row("cuda:0", "a tensor can't be allocated on it", "failed")
        return
    properties = torch.cuda.get_device_properties(0)
    free, total = device.free_memory / 2**30, device.total_memory / 2**30
    yield Row(
        "cuda:0",
        f"{device.title}, {properties.multi_processor_count} multiprocessors, capability "
        f"{properties.major}.{properties.minor}, {free:.1f} of {total:.1f} GiB free, "
        f"{os.cpu_count()} CPU cores",
    )
    yield _nvml_row()
    later = ": times may be longer" if device.others else ""
    yield Row("neighbours", f"{device.others} other programs on the card{later}", "n/a")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _nvml_row() -> Row:
    """The driver's version and the line that the app shows."""
    try:
        gpu_handle(0)
        driver = pynvml.nvmlSystemGetDriverVersion()
    except pynvml.NVMLError as error:
        return Row("driver, NVML", f"NVML doesn't answer: {error}", "n/a")
    line = read_system_stats("cuda:0")
    return Row("driver, NVML", f"{driver}; {line}", "ok" if line.startswith("GPU") else "failed")


def gpu_tests(context: Context) -> Iterator[Row]:
    """pytest -m gpu."""
    # Without the options of pyproject.toml, whose plugins such a machine may lack.
    words = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "--strict-markers", "-m", "gpu"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *map(str, gpu_test_files())],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    sys.stderr.write(done.stdout)
    *_, last = done.stdout.strip().splitlines() or ["nothing was printed"]
    failed = re.findall(r"^(?:FAILED|ERROR) \S*?(\w+\.py\S*)", done.stdout, re.MULTILINE)
    result = last.strip("= ") + (f": {', '.join(failed)}" if failed else "")
    yield Row("pytest -m gpu", result, "failed" if done.returncode else "ok")


def gpu_test_files() -> list[Path]:
    """The files with tests that need a GPU."""
    files = sorted((ROOT / "tests").glob("*/test_*.py"))
    return [path for path in files if "mark.gpu" in path.read_text("utf-8")]
