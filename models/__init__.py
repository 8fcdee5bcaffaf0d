"""What is learned: one file per lecture. The listing of this folder is the syllabus."""

from __future__ import annotations

import ast
import difflib
import importlib
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from models.user_files.parsing import parse

if TYPE_CHECKING:
    from models.lecture import Lecture
    from models.user_files.source import Source

_FOLDER = Path(__file__).parent


class UnknownLecture(Exception):
    """No lecture, or more than one, goes by that name. The text names the candidates.

    For a name that none has, `name` is that name and `near` those of lectures that are like it.
    """

    def __init__(self, text: str, name: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.name = name
        self.near = tuple(near)


class LectureError(Exception):
    """A lecture's file can't be used. The text names the file and says why."""


class UntrustedSource(LectureError):
    """The user's code isn't trusted, so it doesn't run.

    `source` is that code, and `owner` names the users besides this one whose files it is.
    `sentence` is the text without what to do on the command line.
    """

    def __init__(self, source: Source, owner: str, problem: str = "") -> None:
        self.source = source
        self.owner = owner
        self.problem = problem
        whose = f", which belongs to {owner}," if owner else ""
        why = f" ({problem})" if problem else ""
        self.sentence = f"{source.path}{whose} isn't trusted, so its code doesn't run{why}"
        super().__init__(f"{self.sentence}. Read it first; `--trust` lets it run until it changes")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the user should know before trusting it: names and values."""
        modules = [name for name in self.source.files if name != self.source.main]
        more = f" and {len(modules) - _MODULES} more" if len(modules) > _MODULES else ""
        facts = [("file", str(self.source.path)), ("owner", self.owner or "you")]
        if modules:
            facts.append(("imports", ", ".join(modules[:_MODULES]) + more))
        if self.problem:
            facts.append(("note", self.problem))
        return facts


@dataclass(frozen=True)
class Lesson:
    """What the list shows of a lecture, read from its file without importing it."""

    name: str
    path: Path
    title: str
    title_zh: str
    text: str

    @property
    def number(self) -> str:
        """The lecture's number in the course, as `09`; empty for a file of one's own."""
        return self.name.split("_")[1] if self.name.startswith("lecture_") else ""

    @property
    def key(self) -> tuple[str, str]:
        """What no other lecture has: the name, and the user's file; no file for the course's."""
        return self.name, "" if is_course_file(self.path) else str(self.path)

    @property
    def text_zh(self) -> str:
        """The lesson in Chinese (`zh/<name>.md` beside the file), or else as it is."""
        path = self.path.parent / "zh" / f"{self.name}.md"
        if not path.is_file():
            return self.text
        return path.read_text(encoding="utf-8", errors="replace")


#: The local modules that are named before code is trusted; of more, their number is.
_MODULES = 8

#: The course's order within a lecture's number, where the alphabet has another.
_ORDER = ("softmax_classifier", "otto", "lenet5", "googlenet", "resnet", "densenet")

#: What a bare number means where several lectures have it.
_MAIN = ("dataset_and_dataloader", "softmax_classifier", "basic_cnn", "googlenet")


def lecture_names() -> tuple[str, ...]:
    """The names of all lectures in the course's order. Imports nothing."""
    return tuple(sorted((path.stem for path in _FOLDER.glob("lecture_*.py")), key=_place))


def _place(name: str) -> tuple[str, int, str]:
    number, _, title = name.removeprefix("lecture_").partition("_")
    return number, _ORDER.index(title) if title in _ORDER else len(_ORDER), title


def find_lecture(text: str) -> Path:
    """The file of the lecture that `text` means: any unambiguous part of a name, its number alone,
    or a path.

    Raises UnknownLecture.
    """
    if text.endswith(".py") or "/" in text:
        path = Path(os.path.expanduser(text))  # noqa: PTH111  raises nothing for ~nobody
        if not path.is_file():
            raise UnknownLecture(f"there is no file {text}")
        if not path.stem.isprintable():  # the run folder will have this name too
            raise UnknownLecture(f"{text!r}: a lecture's file needs a name without control codes")
        return path.resolve()
    names = lecture_names()
    wanted = text.lower().replace("-", "_").replace(" ", "_")
    ways = (
        [name for name in names if name == wanted],
        _numbered(wanted, names),
        [name for name in names if f"_{wanted}" in name],  # lenet is lenet5, and not googlenet
        [name for name in names if wanted in name],
    )
    found = next(filter(None, ways), [])
    if len(found) == 1:
        return _FOLDER / f"{found[0]}.py"
    if found:
        raise UnknownLecture(f"{text!r} could be {', '.join(found)}: say more of the name")
    # Words of a name are what a person mistypes, so the nearest is looked for among those too.
    words = {word: name for name in names for word in [*name.split("_")[2:], name]}
    near = dict.fromkeys(words[word] for word in difflib.get_close_matches(wanted, words, n=3))
    hint = f"did you mean {', '.join(near)}?" if near else "`tutorch lectures` lists them"
    raise UnknownLecture(f"no lecture is called {text!r}: {hint}", text, tuple(near))


def _numbered(wanted: str, names: Sequence[str]) -> list[str]:
    """The main lecture of a bare number: `5`, `09`."""
    if not (wanted.isascii() and wanted.isdigit()):
        return []
    found = [name for name in names if int(name.split("_")[1]) == int(wanted)]
    main = [name for name in found if name.split("_", 2)[2] in _MAIN]
    return main or found


def read_lesson(path: Path) -> Lesson:
    """Title and lesson of the lecture in `path`, without importing it. Raises LectureError."""
    try:
        tree = parse(path.read_bytes(), filename=str(path))  # in the encoding that it names
    except (OSError, SyntaxError, ValueError) as error:
        raise LectureError(f"{path} can't be read as Python: {error}") from error
    titles: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["LECTURE"]:
                for keyword in node.value.keywords:
                    if keyword.arg in ("title", "title_zh") and isinstance(
                        keyword.value, ast.Constant
                    ):
                        titles[keyword.arg] = str(keyword.value.value)
    title = titles.get("title", path.stem)
    text = ast.get_docstring(tree) or ""
    return Lesson(path.stem, path, title, titles.get("title_zh", title), text)


def is_course_file(path: Path) -> bool:
    """Whether a lecture's file is tutorch's own, and no user's."""
    return path.parent == _FOLDER


def load_lecture(path: Path) -> Lecture:
    """Import the lecture in `path`. Raises LectureError when it declares none, or fails, and
    UntrustedSource for a user's file that isn't trusted.

    A user's own file is imported anew when it, or a local module that it imports, has changed.
    """
    if is_course_file(path):
        return _declared(path, lambda: importlib.import_module(f"models.{path.stem}"), None)
    return load_user_lecture(read_user_source(path))


def load_user_lecture(source: Source) -> Lecture:
    """Import the user's lecture that was read as `source`. Raises LectureError, and UntrustedSource
    unless the user has named its file or trusted it.
    """
    refuse_untrusted(source)
    import torch  # noqa: F401  takes seconds, which are none of the user's code

    from models.user_files.importing import load_module

    return _declared(source.path, lambda: load_module(source), source)


def refuse_untrusted(source: Source) -> None:
    """Raise UntrustedSource for code that the user has neither named nor trusted."""
    from models.user_files.owners import others, user_names
    from models.user_files.trust import is_allowed
    from models.user_files.trust_store import recall

    if not is_allowed(source):
        raise UntrustedSource(
            source, user_names(others(source.owners)), recall(source.digest).problem
        )


def is_current(lecture: Lecture) -> bool:
    """Whether a user's own file, and the local modules that it imports, are still what `lecture`
    was loaded from. Reads and parses those files, a few milliseconds; imports nothing.
    """
    if lecture.source is None:
        return True
    try:
        return read_user_source(lecture.path).digest == lecture.source.digest
    except LectureError:
        return False


def read_user_source(path: Path) -> Source:
    """What the user's lecture file at `path` is made of. Raises LectureError."""
    from models.user_files.source import SourceTooLarge, read_source

    try:
        return read_source(path)
    except SourceTooLarge as error:
        raise LectureError(str(error)) from error
    except OSError as error:
        raise LectureError(f"{error.filename or path} can't be read: {error.strerror}") from error


def _declared(path: Path, load: Callable[[], ModuleType], source: Source | None) -> Lecture:
    from models.lecture import Lecture
    from models.user_files.error_hints import explain
    from models.user_files.error_location import ends_program
    from models.user_files.source import import_hint

    try:
        module = load()
    except BaseException as error:  # whatever a user's own file raises is its author's to see
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
    from datasets.reading.paths import shortest
    from models.user_files.plain_net import plain_nets

    nets = [net.name for net in plain_nets(path) if net.can_be_built]
    if not nets:
        return "it needs a line `LECTURE = Lecture(...)`; `tutorch new NAME` writes an example"
    net = nets[-1]  # the blocks that it is made of come before it
    model = shlex.quote(f"{shortest(path)}:{net}")
    return (
        f"`tutorch --model {model}` writes one for class {net}(nn.Module), with lecture 9's data "
        "and settings, and trains it"
    )
