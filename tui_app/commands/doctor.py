"""`tutorch doctor`: checks the installation, the devices, the data and the terminal."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from datasets import dataset_names, get_dataset
from datasets.fetching.availability import availability
from datasets.fetching.fetch import cache_dir
from models.fields import InvalidValue
from models.user_files import trust_store
from tui_app.commands.arguments import JsonArguments, configured_options, parse_command_line
from tui_app.commands.doctor_tune import print_tuning
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.settings.configuration import refused_settings
from tui_app.terminal.printing import print_json, print_table, print_to_stderr, stdout_console
from tui_app.terminal.streams import data_stream
from tui_app.version import __version__

_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "rich", "tyro", "textual")
_NOT_INSTALLED = "not installed"


@dataclass(kw_only=True)
class Doctor(JsonArguments):
    """Check versions, devices, threads, data on disk and the terminal."""

    tune: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure how many CPU threads train each net of the course fastest, and remember it. Takes
    half a minute. The result is valid only on a quiet machine."""


def main(argv: Sequence[str]) -> int:
    """Print the findings, and the problems on stderr; return 1 if there are problems."""
    arguments, given = parse_command_line(Doctor, argv, "data_dir")
    if arguments.tune:
        return print_tuning(as_json=arguments.json)
    problems: list[str] = []
    try:
        problems += refused_settings({"data_dir", "runs_dir"} - set(given))
        given = configured_options("data_dir") | given
    except InvalidValue as error:
        problems.append(str(error))
    data_dir = Path(given["data_dir"]) if given.get("data_dir") else None
    findings: dict[str, Any] = {
        "versions": _versions(),
        **_devices(),
        "cache": str(cache_dir()),
        "trusted": _trusted(),
        "data": {name: availability(get_dataset(name), data_dir) for name in dataset_names()},
        "terminal": _terminal(),
    }
    findings["problems"] = problems + _missing(findings["versions"]) + findings["problems"]
    if arguments.json:
        print_json(findings)
    else:
        print_table(["", ""], list(_rows(findings)))
    for problem in findings["problems"]:
        print_to_stderr(problem)
    return ExitCode.FAILED if findings["problems"] else ExitCode.DONE


def _trusted() -> str:
    """Return where tutorch stores which code the user trusts."""
    folder = trust_store.store_folder()
    count = trust_store.count()
    return f"{folder}, {count} file{'' if count == 1 else 's'}" if folder else "not stored"


def _versions() -> dict[str, str]:
    import torch

    versions = {"tutorch": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = _NOT_INSTALLED
    versions["torch"] = torch.__version__  # has the build, too: 2.9.0+cpu
    return versions


def _missing(versions: dict[str, str]) -> list[str]:
    names = [name for name, version in versions.items() if version == _NOT_INSTALLED]
    return [f"{name} is missing: `pip install {name}`" for name in names]


def _devices() -> dict[str, Any]:
    import torch

    from tui_app.training.devices.device import available_devices, gpu_without_cuda
    from tui_app.training.devices.machine_load import usable_cores
    from tui_app.training.devices.nvidia import gpu_names

    problems = []
    if gpu_without_cuda():
        problems.append(
            f"there is a GPU ({', '.join(gpu_names())}), but this torch can't use it: "
            f"{torch.__version__} is built for {torch.version.cuda or 'the CPU alone'}; "
            "install a build for the driver's CUDA"
        )
    problems += _torchvision_problem()
    return {
        "devices": {device.name: _device(device) for device in available_devices()},
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "problems": problems,
    }


def _torchvision_problem() -> list[str]:
    """Return a problem if torchvision can't be imported, as one built for another torch."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        return [
            f"torchvision can't be imported beside this torch: {str(error).splitlines()[0]}. "
            "Install the two together, from the same place"
        ]
    return []


def _device(device: Any) -> str:
    if not device.total_memory:
        return device.title
    free, total = device.free_memory / 2**30, device.total_memory / 2**30
    return f"{device.title}, {free:.1f} of {total:.1f} GiB free"


def _terminal() -> dict[str, Any]:
    console = stdout_console()
    return {
        "type": os.environ.get("TERM", ""),
        "colours": console.color_system or "none",
        "size": f"{console.width}x{console.height}",
        "is_terminal": data_stream().isatty(),
        "encoding": data_stream().encoding,
        "no_color": "NO_COLOR" in os.environ,
    }


def _rows(findings: dict[str, Any], prefix: str = "") -> Any:
    for name, value in findings.items():
        if name == "problems":
            continue
        if isinstance(value, dict):
            yield from _rows(value, f"{name} ")
        else:
            yield [f"{prefix}{name}", str(value)]
