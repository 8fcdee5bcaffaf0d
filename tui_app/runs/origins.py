"""Names the folder of a run's file where several files have the same name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from models import lecture_names
from tui_app.runs.listing import RunSummary


def origins(runs: Sequence[RunSummary]) -> list[str]:
    """For each run the shortest end of its file's folder that distinguishes it from other files of
    the same name. Empty if there is only one such file and no lecture of the course has its name,
    and for lectures of the course.
    """
    files: dict[str, set[str]] = defaultdict(set)
    hosts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run in runs:
        if run.lecture:
            files[run.lecture].add(run.file)
            hosts[run.lecture, run.file].add(run.host)
    return [_origin(run, files[run.lecture], hosts[run.lecture, run.file]) for run in runs]


def _origin(run: RunSummary, files: set[str], hosts: set[str]) -> str:
    words = []
    if run.file and (len(files) > 1 or run.lecture in lecture_names()):
        words.append(_folder(run.file, files))
    if run.file and len(hosts) > 1:  # one path on two machines is two files
        words.append(f"on {run.host}")
    return " ".join(words)


def _folder(file: str, files: set[str]) -> str:
    """The shortest end of the file's folder that no other file's folder has."""
    parts = PurePath(file).parent.parts
    others = [PurePath(other).parent.parts for other in files if other not in ("", file)]
    for length in range(1, len(parts)):
        if not any(other[-length:] == parts[-length:] for other in others):
            return "/".join(parts[-length:])
    return str(PurePath(*parts))
