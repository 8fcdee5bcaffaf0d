"""Keeps the source of a user's lecture in the run folder, and compares it with the user's file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from models import LectureError, UnknownLecture, find_lecture, is_course_file, lecture_names
from models.lecture import Lecture
from models.loading.load import load_lecture, load_user_lecture, read_user_source
from models.user_files.owners import owners_of
from models.user_files.source import LARGEST, MOST_FILES, Source
from models.user_files.trust import is_allowed
from tui_app.runs.errors import DamagedRun, SourceChanged
from tui_app.runs.files.durable_files import replace_file
from tui_app.runs.files.run_files import is_there, open_file
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord, SourceRecord

#: Which source a run is opened with: the copy in its folder, or the user's file as it is now.
SourceChoice = Literal["kept", "current"]

#: The folder of a source that the run was trained with earlier; its last step follows the name.
_EARLIER = "source-until-step-"


@dataclass(frozen=True)
class RunSource:
    """The source that a run was trained with (`kept`), and what is at `original`, the file that it
    was copied from, now (`current`): None if that can't be read.
    """

    kept: Source
    original: Path
    current: Source | None

    @property
    def is_changed(self) -> bool:
        """Whether the user's file, or a local module that it imports, differs from the copy."""
        return self.current is not None and self.current.digest != self.kept.digest

    @property
    def difference(self) -> str:
        """How the user's file differs from the copy, as a sentence; empty if it doesn't."""
        if self.current is None:
            return f"{self.original} is no longer there"
        kept, current = self.kept.digests, self.current.digests
        names = [n for n in {**kept, **current} if kept.get(n) != current.get(n)]
        if not names:
            return ""
        main = self.kept.main
        if main in names:  # a change of the main file explains modules that came or went
            names = [name for name in names if name in kept and name in current]
        others = [name for name in names if name != main]
        also = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        if main in names:
            subject = f"{main} and {also}, which it imports," if also else main
        else:
            subject = f"{also}, which {main} imports,"
        verb = "has" if len(names) == 1 else "have"
        return f"{subject} {verb} changed since the run was trained"


def source_record(lecture: Lecture) -> dict[str, Any] | None:
    """What run.json records of a lecture's source. `path` is None for a lecture of the course."""
    source = lecture.source
    if source is not None:
        return {
            "main": source.main,
            "path": str(source.path),
            "sha256": source.digest,
            "files": source.digests,
        }
    if not is_course_file(lecture.path):
        return None  # the lecture was made by code, not read from a file
    sha256 = hashlib.sha256(lecture.path.read_bytes()).hexdigest()
    return {"main": lecture.path.name, "path": None, "sha256": sha256}


def copy_source(folder: RunFolder, source: Source) -> None:
    """Copy the files into the run folder, and sync them to the disk. Raises OSError."""
    for name, data in source.files.items():
        path = folder.source / name
        path.parent.mkdir(parents=True, exist_ok=True)

        def write(file: IO[bytes], data: bytes = data) -> None:
            file.write(data)

        replace_file(path, write)


def read_run_source(folder: RunFolder, record: RunRecord) -> RunSource | None:
    """The source that the run was trained with, and the user's file now; None for a lecture of the
    course, and for a run of an earlier version, which kept no copy. Raises DamagedRun.
    """
    described = record.source
    if described is None or described.path is None:
        return None
    kept, original = _read_kept(folder, described), Path(described.path)
    try:
        current = read_user_source(original)
    except (LectureError, ValueError):  # gone, or no path at all
        current = None
    return RunSource(kept, original, current)


def changed_source(folder: RunFolder) -> str:
    """How the user's file differs from the copy, so that the user must choose one to resume with;
    empty if there is nothing to choose, or the folder is damaged.
    """
    try:
        source = read_run_source(folder, folder.read_record())
    except DamagedRun:
        return ""
    return source.difference if source is not None and source.is_changed else ""


def source_properties(folder: RunFolder, record: RunRecord) -> list[tuple[str, str]]:
    """What the properties of a run say of the user's file, as pairs of names and texts; nothing for
    a lecture of the course or a damaged folder.
    """
    try:
        source = read_run_source(folder, record)
        changes = [int(change["step"]) for change in record.source_changes]
    except (DamagedRun, KeyError, TypeError, ValueError):
        return []
    if source is None:
        return []
    state = " (no longer there)" if source.current is None else ""
    state = " (changed since)" if source.is_changed else state
    facts = [("source", f"{source.original}{state}")]
    if changes:
        facts.append(("source changed", f"after step {', '.join(map(str, changes))}"))
    return facts


def load_run_lecture(
    folder: RunFolder, record: RunRecord, use: SourceChoice = "kept"
) -> tuple[Lecture, str]:
    """The lecture of a run, and a sentence if its file differs from what the run was trained with.

    Raises LectureError, UntrustedSource, UnknownLecture, SourceChanged and DamagedRun.
    """
    source, note = source_to_open(folder, record, use)
    if source is not None:
        return load_user_lecture(source), note
    path = _unkept_file(record)
    return load_lecture(path), _how_course_differs(path, record)


def source_to_open(
    folder: RunFolder, record: RunRecord, use: SourceChoice = "kept"
) -> tuple[Source | None, str]:
    """The user's code that opening the run executes, None for a lecture of the course; and a
    sentence if it differs from the user's file now. Raises what `lecture_of` does.
    """
    source = read_run_source(folder, record)
    if source is None:
        path = _unkept_file(record)
        return (None if is_course_file(path) else read_user_source(path)), ""
    if use == "current" and source.current is None:
        raise SourceChanged(f"--source current: {source.difference}")
    if source.current is not None and use == "current":
        return source.current, ""
    if source.current is not None and not source.is_changed:
        return (source.current if is_allowed(source.current) else source.kept), ""
    return source.kept, f"{source.difference}: the copy in the run folder is used"


def is_other_source(lecture: Lecture, record: RunRecord) -> bool:
    """Whether a user's lecture differs from what the run was trained with so far."""
    before, source = record.source, lecture.source
    return before is not None and source is not None and source.digest != before.sha256


def record_of_resumed(
    folder: RunFolder,
    record: RunRecord,
    now: RunRecord,
    source: Source | None,
    step: int,
) -> RunRecord:
    """The record of a run that is resumed at `step`: the old one, updated by the new one.

    If `source`, which the run continues with, differs from what it was trained with so far, it is
    copied into the folder, and the earlier copy is renamed. Raises OSError.
    """
    before, after = record.source, now.source
    if before is not None and after is not None and before.sha256 == after.sha256:
        # `now` may name the copy as the file; the record keeps the path of the user's file.
        names = ("source", "lecture_file")
        paths = {name: record.values[name] for name in names if name in record.values}
        return RunRecord.of({**record.values, **now.values, **paths})
    changes: list[Mapping[str, Any]] = record.source_changes
    change: dict[str, Any] = {}
    if before is not None:
        change = {"step": step, "sha256": before.sha256}
    if source is not None:
        aside = _set_aside(folder, step)
        if before is not None and aside:
            change["kept_in"] = aside
        copy_source(folder, source)
    changes += [change] if change else []
    changed = {"source_changes": changes} if changes else {}
    return RunRecord.of({**record.values, **now.values, **changed})


def _set_aside(folder: RunFolder, step: int) -> str:
    """Rename the copy of the source that was used until `step`, and return its new name; empty if
    there is none.
    """
    if not is_there(folder.source):
        return ""
    names = (f"{_EARLIER}{step}{'-' * again}" for again in count())
    name = next(name for name in names if not is_there(folder.path / name))
    folder.source.rename(folder.path / name)
    return name


def _unkept_file(record: RunRecord) -> Path:
    """The lecture's file of a run that has no copy of it: one of the course's, or a user's.

    Earlier versions recorded only its path. Raises UnknownLecture.
    """
    file, name = record.users_file, record.lecture
    if not file and name not in lecture_names():
        raise UnknownLecture(f"this version of tutorch has no lecture {name!r}")
    return find_lecture(file or name)


def _how_course_differs(path: Path, record: RunRecord) -> str:
    """A sentence if the course's file `path` may differ from what the run was trained with."""
    source = record.source
    if source is None:  # as earlier versions wrote it
        file = Path(record.lecture_file)
        if file == path or is_there(file):
            return ""
        return f"{file} is no longer there: tutorch's own {path.stem} is used"
    if source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest():
        return ""
    return f"tutorch's {path.stem} has changed since the run was trained: it is used as it is now"


def _read_kept(folder: RunFolder, described: SourceRecord) -> Source:
    """The files that run.json describes. If a program was killed after it had renamed the copy and
    before it wrote run.json, the files are in the renamed folder.
    """
    wanted, main = dict(described.files), described.main
    if main not in wanted or len(wanted) > MOST_FILES:
        raise DamagedRun(f"{folder.run_json} doesn't name the run's source: it is damaged")
    for place in (folder.source, *sorted(folder.path.glob(f"{_EARLIER}*"))):
        files = dict(_files_in(place, sorted(wanted)))
        kept = Source(place, main, files, owners_of(place, files))
        if kept.digests == wanted:
            return kept
    what = "is missing" if not is_there(folder.source) else "isn't what the run was trained with"
    raise DamagedRun(f"{folder.source} {what}: the run folder is damaged")


def _files_in(place: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The named files that exist: regular files below `place`, not reached through a link."""
    room = LARGEST
    for name in names:
        if Path(name).is_absolute() or ".." in PurePosixPath(name).parts:
            continue
        try:
            with open_file(place / name, below=place.parent) as file:
                data = file.read(room + 1)
        except (OSError, ValueError):
            continue  # the comparison of digests finds that it is missing
        room -= len(data)
        if room < 0:
            return
        yield name, data
