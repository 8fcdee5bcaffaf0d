"""Writes the script of a SLURM job that trains a run, and continues it whenever it starts again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.fields import InvalidValue
from tui_app.runs.jobs.job_script_parts import BEGINNING, END, ONE_NODE, SEVERAL_NODES
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.command_words import option_words, training_words
from tui_app.runs.settings.run_options import refuse_one_device
from tui_app.runs.settings.run_settings import RunSettings


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What a job asks SLURM for. `gpus` are those of all nodes together, 0 for none; `cpus` those
    of a node, 0 for one a rank. `save_before` is how many seconds before its time limit the run is
    saved. An empty text leaves the choice to SLURM. `extra` are further options of sbatch.
    """

    gpus: int = 0
    nodes: int = 1
    cpus: int = 0
    time: str = ""
    partition: str = ""
    account: str = ""
    extra: Sequence[str] = ()
    save_before: int = 90


@dataclass(frozen=True)
class Program:
    """How a job starts tutorch: a Python, the folder to start it in, and where that Python imports
    tutorch from, if tutorch isn't installed there.
    """

    python: str
    folder: Path
    import_path: str = ""


def with_devices(settings: RunSettings, job: JobRequest) -> RunSettings:
    """The settings of a run that trains on all devices of a job. Raises InvalidValue."""
    devices = settings.options.devices
    if job.gpus and devices not in (1, job.gpus):
        raise InvalidValue(
            f"devices: --gpus {job.gpus} trains on {job.gpus} devices, not on {devices}", "devices"
        )
    devices = job.gpus or devices
    # With `auto`, a job whose node offers no GPU would train on the CPU for hours.
    device = "cuda" if job.gpus and settings.options.device == "auto" else settings.options.device
    refuse_one_device(device, devices)
    if devices % job.nodes:
        raise InvalidValue(
            f"nodes: {devices} {'GPUs' if job.gpus else 'devices'} can't be shared out equally "
            f"among {job.nodes} nodes"
        )
    options = replace(settings.options, device=device, devices=devices)
    return replace(settings, options=options)


def job_script(settings: RunSettings, folder: RunFolder, job: JobRequest, program: Program) -> str:
    """The script that trains these settings, from `with_devices`, in the run folder.

    Raises InvalidValue for a path that no line of a script can hold.
    """
    for path in (folder.path, program.folder, Path(program.python)):
        if not str(path).isprintable():
            raise InvalidValue(f"{str(path)!r}: a job's script can't name a path like this")
    lines = ["#!/bin/bash", *(f"#SBATCH {line}" for line in _directives(settings, folder, job))]
    lines += ["", f"# Trains {folder.name}. `tutorch submit` has written and submitted it."]
    lines += ["", f"cd {_quoted(program.folder)} || exit 2"]
    if program.import_path:
        path = _quoted(program.import_path)
        lines.append(f'export PYTHONPATH={path}"${{PYTHONPATH:+:$PYTHONPATH}}"')
    lines += [f"python={_quoted(program.python)}", f"run={_quoted(folder.path)}"]
    first = "\n".join(" " * 8 + _quoted(word) for word in _first_words(settings, job))
    start = ONE_NODE if job.nodes == 1 else SEVERAL_NODES
    filled = {
        "@FIRST@": first,
        "@RESUME@": shlex.join(_resume_words(settings, job)),
        "@RANKS@": str(settings.options.devices // job.nodes),
    }
    parts = "\n".join((BEGINNING, start, END))
    lines.append(re.sub("@[A-Z]+@", lambda found: filled[found[0]], parts))
    return "\n".join(lines)


def _directives(settings: RunSettings, folder: RunFolder, job: JobRequest) -> Iterator[str]:
    """The options of sbatch; the last one of a name counts."""
    ranks = settings.options.devices // job.nodes
    yield f"--job-name={_value(f'tutorch-{settings.lecture.name}')}"
    # SLURM replaces %j and the like in the name of the file.
    yield f"--output={_value(str(folder.job_log).replace('%', '%%'))}"
    yield "--open-mode=append"
    yield f"--signal=B:USR1@{job.save_before}"
    yield "--requeue"
    yield f"--nodes={job.nodes}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={job.cpus or ranks}"
    if job.gpus:
        yield f"--gpus-per-node={job.gpus // job.nodes}"
    for name in ("time", "partition", "account"):
        if value := getattr(job, name):
            yield f"--{name}={_value(value)}"
    for option in job.extra:
        name, equals, value = option.partition("=")
        yield f"{name}={_value(value)}" if equals else name


def _first_words(settings: RunSettings, job: JobRequest) -> list[str]:
    return [word for word in training_words(settings) if not _is_torchruns(word, job)]


def _resume_words(settings: RunSettings, job: JobRequest) -> list[str]:
    """The options of `tutorch resume`: what a resumed run doesn't keep."""
    options = {"devices": settings.options.devices, "max_time": settings.options.max_time}
    words = option_words({name: value for name, value in options.items() if value not in (0, 1)})
    return [word for word in words if not _is_torchruns(word, job)]


def _is_torchruns(word: str, job: JobRequest) -> bool:
    """Whether an option is torchrun's to say, which starts the ranks of several nodes."""
    return job.nodes > 1 and word.startswith("--devices=")


def _quoted(text: object) -> str:
    return shlex.quote(str(text))


def _value(text: str) -> str:
    """A value in a line of #SBATCH, which SLURM reads almost as a shell does."""
    if re.fullmatch(r"[\w:/.,+-]+", text, re.ASCII):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
