"""The source of a user's own lecture in a run folder: kept, described in run.json, and compared
with the file that it was copied from.
"""

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
from tui_app.runs.durable_files import replace_file
from tui_app.runs.errors import DamagedRun, SourceChanged
from tui_app.runs.listing import users_file
from tui_app.runs.run_files import is_there, open_file
from tui_app.runs.run_folder import RunFolder

#: Which of two sources a run is opened with: the one it keeps, or the user's file as it is now.
Use = Literal["kept", "current"]

#: Where the source lies that a run was trained with before another one, with the step after it.
_EARLIER = "source-until-step-"


@dataclass(frozen=True)
class RunSource:
    """What a run of a user's own file was trained with (`kept`), and what lies at `original`, the
    file that it was copied from, now: nothing that can be read where `current` is None.
    """

    kept: Source
    original: Path
    current: Source | None

    @property
    def is_changed(self) -> bool:
        """Whether the user's file, or a local module that it imports, is another than the run's."""
        return self.current is not None and self.current.digest != self.kept.digest

    @property
    def difference(self) -> str:
        """How the user's file differs from what the run keeps; empty where it doesn't."""
        if self.current is None:
            return f"{self.original} is no longer there"
        kept, current = self.kept.digests, self.current.digests
        names = [n for n in {**kept, **current} if kept.get(n) != current.get(n)]
        if not names:
            return ""
        main = self.kept.main
        if main in names:  # which says why it imports others than it did
            names = [name for name in names if name in kept and name in current]
        others = [name for name in names if name != main]
        also = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        if main in names:
            subject = f"{main} and {also}, which it imports," if also else main
        else:
            subject = f"{also}, which {main} imports,"
        verb = "has" if len(names) == 1 else "have"
        return f"{subject} {verb} changed since the run was trained"


def describe(lecture: Lecture) -> dict[str, Any] | None:
    """What run.json says of a lecture's source. `path` is None for a lecture of the course."""
    source = lecture.source
    if source is not None:
        return {
            "main": source.main,
            "path": str(source.path),
            "sha256": source.digest,
            "files": source.digests,
        }
    if not is_course_file(lecture.path):
        return None  # a lecture that was made by code, not read from a file
    sha256 = hashlib.sha256(lecture.path.read_bytes()).hexdigest()
    return {"main": lecture.path.name, "path": None, "sha256": sha256}


def keep_source(folder: RunFolder, source: Source) -> None:
    """Write the files into the run folder, and bring them to the disk. Raises OSError."""
    for name, data in source.files.items():
        path = folder.source / name
        path.parent.mkdir(parents=True, exist_ok=True)

        def write(file: IO[bytes], data: bytes = data) -> None:
            file.write(data)

        replace_file(path, write)


def read_run_source(folder: RunFolder, record: Mapping[str, Any]) -> RunSource | None:
    """What the run was trained with, and what its original is now; None for a lecture of the
    course, and for a run of an earlier version, which kept nothing.

    Raises DamagedRun, and KeyError, TypeError or AttributeError when the record isn't one.
    """
    described = record.get("source")
    if described is None or described["path"] is None:
        return None
    kept, original = _read_kept(folder, described), Path(described["path"])
    try:
        current = read_user_source(original)
    except (LectureError, ValueError):  # gone, or no path at all
        current = None
    return RunSource(kept, original, current)


def changed_source(folder: RunFolder) -> str:
    """How the user's file differs from what the run was trained with, so that one must be chosen to
    go on with it; empty where nothing need be chosen. What is wrong with the folder is not said.
    """
    try:
        source = read_run_source(folder, folder.read_record())
    except (DamagedRun, KeyError, TypeError, AttributeError):
        return ""
    return source.difference if source is not None and source.is_changed else ""


def source_in_words(folder: RunFolder, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a list of a run's facts says of the user's own file: names and values; nothing for a
    lecture of the course. What is wrong with the folder is not said.
    """
    try:
        source = read_run_source(folder, record)
        changes = [int(change["step"]) for change in record.get("source_changes") or []]
    except (DamagedRun, KeyError, TypeError, ValueError, AttributeError):
        return []
    if source is None:
        return []
    state = " (no longer there)" if source.current is None else ""
    state = " (changed since)" if source.is_changed else state
    facts = [("source", f"{source.original}{state}")]
    if changes:
        facts.append(("source changed", f"after step {', '.join(map(str, changes))}"))
    return facts


def lecture_of(
    folder: RunFolder, record: Mapping[str, Any], use: Use = "kept"
) -> tuple[Lecture, str]:
    """The lecture of a run, and a sentence where its file isn't what the run was trained with.

    Raises LectureError, UntrustedSource, UnknownLecture, SourceChanged, and what `read_run_source`
    does.
    """
    source, note = source_to_open(folder, record, use)
    if source is not None:
        return load_user_lecture(source), note
    path = _unkept_file(record)
    return load_lecture(path), _how_course_differs(path, record)


def source_to_open(
    folder: RunFolder, record: Mapping[str, Any], use: Use = "kept"
) -> tuple[Source | None, str]:
    """The user's code that opening the run executes, None for a lecture of the course; and a
    sentence where it isn't what lies in the user's file now. Raises what `lecture_of` does.
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


def is_other_source(lecture: Lecture, record: Mapping[str, Any]) -> bool:
    """Whether a user's own lecture isn't what the run was trained with so far."""
    before = record.get("source") or {}
    source = lecture.source
    return bool(before) and source is not None and source.digest != before.get("sha256")


def record_of_resumed(
    folder: RunFolder,
    record: Mapping[str, Any],
    now: Mapping[str, Any],
    source: Source | None,
    step: int,
) -> dict[str, Any]:
    """run.json of a run that goes on at `step`: what it said, and what is so `now`.

    Where `source`, what the run goes on with, isn't what it was trained with so far, it is kept
    from now on, and the earlier one beside it. Raises OSError.
    """
    before, after = record.get("source") or {}, now["source"] or {}
    if before and before.get("sha256") == after.get("sha256"):
        # `now` may name the copy: where the user's own file lay stays known.
        return {**record, **now, **{name: record[name] for name in ("source", "lecture_file")}}
    changes = record.get("source_changes")
    changes = [*changes] if isinstance(changes, list) else []
    if before:
        changes.append({"step": step, "sha256": before.get("sha256")})
    if source is not None:
        aside = _set_aside(folder, step)
        if before and aside:
            changes[-1]["kept_in"] = aside
        keep_source(folder, source)
    return {**record, **now, **({"source_changes": changes} if changes else {})}


def _set_aside(folder: RunFolder, step: int) -> str:
    """Rename the source that was used until `step`, whatever is there by that name: its new name;
    empty where there is none.
    """
    if not is_there(folder.source):
        return ""
    names = (f"{_EARLIER}{step}{'-' * again}" for again in count())
    name = next(name for name in names if not is_there(folder.path / name))
    folder.source.rename(folder.path / name)
    return name


def _unkept_file(record: Mapping[str, Any]) -> Path:
    """The file of the lecture of a run that keeps no source: one of the course's, or a user's.

    Earlier versions recorded no more than its path. Raises UnknownLecture.
    """
    file, name = users_file(record), record["lecture"]
    if not file and name not in lecture_names():
        raise UnknownLecture(f"this version of tutorch has no lecture {name!r}")
    return find_lecture(file or name)


def _how_course_differs(path: Path, record: Mapping[str, Any]) -> str:
    """A sentence where the course's file `path` may not be what the run was trained with."""
    source = record.get("source")
    if source is None:  # as earlier versions wrote it
        file = Path(record["lecture_file"])
        if file == path or is_there(file):
            return ""
        return f"{file} is no longer there: tutorch's own {path.stem} is used"
    if source.get("sha256") == hashlib.sha256(path.read_bytes()).hexdigest():
        return ""
    return f"tutorch's {path.stem} has changed since the run was trained: it is used as it is now"


def _read_kept(folder: RunFolder, described: Mapping[str, Any]) -> Source:
    """The files that run.json describes. Should a program have been killed while it exchanged
    them, they are found where it had put them.
    """
    wanted = {str(name): str(sha256) for name, sha256 in described["files"].items()}
    main = described["main"]
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
    """Those of the files that are there: regular files below `place`, found without a link."""
    room = LARGEST
    for name in names:
        if Path(name).is_absolute() or ".." in PurePosixPath(name).parts:
            continue
        try:
            with open_file(place / name, below=place.parent) as file:
                data = file.read(room + 1)
        except (OSError, ValueError):
            continue  # the digests will show that it isn't there
        room -= len(data)
        if room < 0:
            return
        yield name, data
