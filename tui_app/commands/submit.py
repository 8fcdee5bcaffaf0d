"""`tutorch submit LECTURE`: lets a SLURM cluster train a run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from models.fields import InvalidValue
from tui_app.commands.arguments import JsonArguments
from tui_app.commands.lecture_arguments import parse_lecture_arguments
from tui_app.runs.files.durable_files import replace_file
from tui_app.runs.job_record import JobRecord
from tui_app.runs.jobs.job_script import JobRequest, Program, job_script, with_devices
from tui_app.runs.jobs.slurm import SubmittedJob, submit
from tui_app.runs.listing import as_argument
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.terminal.printing import print_json, print_to_stderr, stderr_console
from tui_app.text.escaping import printable

#: A time limit as sbatch reads it: minutes, or with colons and days as its manual says.
_TIME = r"(\d+-)?\d+(:\d+){0,2}"


@dataclass(kw_only=True)
class Submit(JsonArguments):
    """The arguments besides the settings of the run."""

    lecture: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="LECTURE")]
    """A part of the lecture's name, or the path of a file."""

    gpus: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """GPUs to train on, on all nodes together; without them the run trains on CPUs."""

    nodes: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Machines that train together."""

    cpus: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """CPU cores of each machine; the default is one for each of its devices."""

    time: Annotated[str, tyro.conf.arg(metavar="TIME")] = ""
    """Time limit, such as 2:00:00 or 1-12 (days-hours); a number alone is minutes. The run is saved
    before it, and the job starts again until the run is completed."""

    partition: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """The partition; the default is the cluster's."""

    account: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """The account to charge; the default is the user's."""

    save_before: Annotated[int, tyro.conf.arg(metavar="SECONDS")] = 90
    """How long before the time limit to save."""

    sbatch: tyro.conf.UseAppendAction[Annotated[list[str], tyro.conf.arg(metavar="OPTION")]] = (
        field(default_factory=list)
    )
    """A further option of sbatch (repeatable): --sbatch mem=16G."""

    dry_run: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the job's script, and make and submit nothing."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the lecture's file if another user owns it: it runs, now and until it changes."""


def main(argv: Sequence[str]) -> int:
    """Submit a job, or print its script, and return the exit code."""
    parsed = parse_lecture_arguments(Submit, [*_joined(argv)], "tutorch submit")
    job = _job_request(parsed.flags)
    with parsed.locating_errors():
        settings = with_devices(parsed.resolve_all([{}])[0], job)
    runs_dir = Path(settings.options.runs_dir)
    if parsed.flags.dry_run:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-0000"
        folder = RunFolder(runs_dir / settings.lecture.name / name)
        script = job_script(settings, folder, job, _this_program())
        if parsed.flags.json:
            print_json({"script": script})
        else:
            sys.stdout.writelines(f"{printable(line)}\n" for line in script.splitlines())
        return 0
    folder = RunFolder.create(runs_dir, settings.lecture.name)
    try:
        script = job_script(settings, folder, job, _this_program())
        submitted = _submit(script, settings, folder)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    _print(folder, submitted, is_json=parsed.flags.json)
    return 0


def _joined(argv: Sequence[str]) -> Iterator[str]:
    """Join `--sbatch` and its value, which may begin with dashes itself."""
    words = iter(argv)
    for word in words:
        if word != "--sbatch":
            yield word
        elif (value := next(words, None)) is not None:
            yield f"--sbatch={value}"


def _job_request(flags: Submit) -> JobRequest:
    """Check what the job asks for. Raises InvalidValue."""
    for name, least in (("gpus", 0), ("nodes", 1), ("cpus", 0), ("save_before", 1)):
        if (value := getattr(flags, name)) < least:
            label = name.replace("_", " ")
            raise InvalidValue(f"{label}: a whole number ≥ {least}, not {value}", name)
    if flags.time and not re.fullmatch(_TIME, flags.time, re.ASCII):
        raise InvalidValue(
            f"time: minutes, 2:00:00 or days-hours such as 1-12, not {flags.time!r}", "time"
        )
    for name in ("partition", "account"):
        if re.search(r"[\s%]", value := getattr(flags, name)):
            raise InvalidValue(f"{name}: a name without spaces, not {value!r}", name)
    for text in flags.sbatch:
        if not text.strip().isprintable() or not re.match(r"(-|--)?\w", text):
            raise InvalidValue(f"sbatch: an option of sbatch such as mem=16G, not {text!r}")
    return JobRequest(
        gpus=flags.gpus,
        nodes=flags.nodes,
        cpus=flags.cpus,
        time=flags.time,
        partition=flags.partition,
        account=flags.account,
        extra=[text if text.startswith("-") else f"--{text}" for text in flags.sbatch],
        save_before=flags.save_before,
    )


def _this_program() -> Program:
    """Start this tutorch, with this Python, in this folder."""
    place = Path(__file__).resolve().parents[2]
    is_installed = place.is_relative_to(Path(sys.prefix).resolve())
    return Program(sys.executable, Path.cwd(), "" if is_installed else str(place))


def _submit(script: str, settings: RunSettings, folder: RunFolder) -> SubmittedJob:
    """Write the script into the run folder, submit it, and write job.json.

    Raises SubmissionFailed and OSError.
    """
    path = folder.path / "job.sh"
    replace_file(path, lambda file: file.write(os.fsencode(script)))
    submitted = submit(path)
    record = JobRecord(
        job_id=submitted.job_id,
        cluster=submitted.cluster,
        submitted=time.time(),
        lecture=settings.lecture.name,
        dataset=settings.dataset,
        epochs=settings.hyperparameters.epochs,
    )
    record.write(folder)
    return submitted


def _print(folder: RunFolder, submitted: SubmittedJob, *, is_json: bool) -> None:
    """Print the job and how to watch it; on stdout, the path of the run folder, or JSON."""
    if submitted.warnings:
        print_to_stderr(submitted.warnings)
    log = folder.job_log
    if is_json:
        print_json(
            {
                "job_id": submitted.job_id,
                "cluster": submitted.cluster,
                "run": folder.name,
                "path": str(folder.path),
                "script": str(folder.path / "job.sh"),
                "log": str(log),
            }
        )
        return
    run = as_argument(folder)
    console = stderr_console()
    for line in (
        f"job     {submitted.job_id}" + (f" of {submitted.cluster}" * bool(submitted.cluster)),
        f"run     {folder.name}",
        f"show    tutorch show {run}",
        f"output  tail -F {shlex.quote(str(log))}",
        f"cancel  scancel {submitted.job_id}",
    ):
        console.print(printable(line), soft_wrap=True)
    path = str(folder.path)
    sys.stdout.write(f"{printable(path) if sys.stdout.isatty() else path}\n")
