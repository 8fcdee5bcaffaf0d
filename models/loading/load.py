"""Imports lectures: the course's, and the user's own files once the user trusts them."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from datasets.reading.paths import short_path
from models import LectureError, is_course_file
from models.lecture import Lecture
from models.loading.plain_net import plain_nets
from models.user_files.error_hints import explain
from models.user_files.error_location import ends_program
from models.user_files.importing import load_module
from models.user_files.source import Source, SourceTooLarge, import_hint, read_source
from models.user_files.trust import refuse_untrusted


def load_lecture(path: Path) -> Lecture:
    """Import the lecture in `path`. Raises LectureError when the import fails or the file declares
    no lecture, and UntrustedSource for a user's file that isn't trusted.

    A user's file is imported again after it, or a local module that it imports, has changed.
    """
    if is_course_file(path):
        return _declared(path, lambda: importlib.import_module(f"models.{path.stem}"), None)
    return load_user_lecture(read_user_source(path))


def load_user_lecture(source: Source) -> Lecture:
    """Import the user's lecture `source`. Raises LectureError, and UntrustedSource unless the user
    has named its file or trusts it.
    """
    refuse_untrusted(source)
    import torch  # noqa: F401  so that its import isn't timed as the user's code

    return _declared(source.path, lambda: load_module(source), source)


def is_current(lecture: Lecture) -> bool:
    """Whether a user's file and the local modules that it imports are unchanged since `lecture` was
    loaded. Reads and parses the files in a few milliseconds; imports nothing.
    """
    if lecture.source is None:
        return True
    try:
        return read_user_source(lecture.path).digest == lecture.source.digest
    except LectureError:
        return False


def read_user_source(path: Path) -> Source:
    """Read the user's lecture file at `path` and the local modules that it imports, without
    importing them. Raises LectureError.
    """
    try:
        return read_source(path)
    except SourceTooLarge as error:
        raise LectureError(str(error)) from error
    except OSError as error:
        raise LectureError(f"{error.filename or path} can't be read: {error.strerror}") from error


def _declared(path: Path, load: Callable[[], ModuleType], source: Source | None) -> Lecture:
    try:
        module = load()
    except BaseException as error:  # a user's file may raise anything, SystemExit too
        if not isinstance(error, Exception) and not ends_program(error):
            raise
        why = [explain(error)]
        if source is not None and isinstance(error, ImportError):
            why += filter(None, [import_hint(error, source)])
        raise LectureError(f"{path} fails when imported: " + "\n".join(why)) from error
    lecture = getattr(module, "LECTURE", None)
    if not isinstance(lecture, Lecture):
        raise LectureError(f"{path} declares no lecture: {_how_to_declare_one(path)}")
    return replace(lecture, name=path.stem, path=path, source=source)


def _how_to_declare_one(path: Path) -> str:
    nets = [net.name for net in plain_nets(path) if net.can_be_built]
    if not nets:
        return "it needs a line `LECTURE = Lecture(...)`; `tutorch new NAME` writes an example"
    net = nets[-1]  # the blocks that it is made of come before it
    model = shlex.quote(f"{short_path(path)}:{net}")
    return (
        f"`tutorch --model {model}` writes one for class {net}(nn.Module), with lecture 9's data "
        "and settings, and trains it"
    )
