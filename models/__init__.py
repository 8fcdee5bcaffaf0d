"""Lists and finds the lectures: one file each in this folder, whose listing is the syllabus."""

from __future__ import annotations

import ast
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.user_files.parsing import parse

_FOLDER = Path(__file__).parent


class UnknownLecture(Exception):
    """No lecture, or more than one, has that name. The text names the candidates.

    When there is none, `name` is the name that was given and `near` are similar ones.
    """

    def __init__(self, text: str, name: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.name = name
        self.near = tuple(near)


class LectureError(Exception):
    """A lecture's file can't be used. The text names the file and the reason."""


@dataclass(frozen=True)
class Lesson:
    """A lecture's title and lesson, read from its file without importing it."""

    name: str
    path: Path
    title: str
    title_zh: str
    text: str

    @property
    def number(self) -> str:
        """The lecture's number in the course, such as `09`; empty for the user's own file."""
        return self.name.split("_")[1] if self.name.startswith("lecture_") else ""

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the lecture: its name, and the path of the user's own file, else empty."""
        return self.name, "" if is_course_file(self.path) else str(self.path)

    @property
    def text_zh(self) -> str:
        """The lesson in Chinese (`zh/<name>.md` beside the file), if there is one, else `text`."""
        path = self.path.parent / "zh" / f"{self.name}.md"
        if not path.is_file():
            return self.text
        return path.read_text(encoding="utf-8", errors="replace")


#: The course's order of lectures with the same number, where it isn't alphabetical.
_ORDER = ("softmax_classifier", "otto", "lenet5", "googlenet", "resnet", "densenet")

#: The lecture that a number alone means, where several lectures have that number.
_MAIN = ("dataset_and_dataloader", "softmax_classifier", "basic_cnn", "googlenet")


def lecture_names() -> tuple[str, ...]:
    """The names of all lectures in the course's order. Imports nothing."""
    return tuple(sorted((path.stem for path in _FOLDER.glob("lecture_*.py")), key=_place))


def _place(name: str) -> tuple[str, int, str]:
    number, _, title = name.removeprefix("lecture_").partition("_")
    return number, _ORDER.index(title) if title in _ORDER else len(_ORDER), title


def find_lecture(text: str) -> Path:
    """The file of the lecture that `text` names: by an unambiguous part of its name, its number
    alone, or a path.

    Raises UnknownLecture.
    """
    if text.endswith(".py") or "/" in text:
        path = Path(os.path.expanduser(text))  # noqa: PTH111  raises nothing for ~nobody
        if not path.is_file():
            raise UnknownLecture(f"there is no file {text}")
        if not path.stem.isprintable():  # the run folder gets this name too
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
        raise UnknownLecture(f"{text!r} could be {', '.join(found)}: give more of the name")
    # Users mistype single words of a name, so these are compared too.
    words = {word: name for name in names for word in [*name.split("_")[2:], name]}
    near = dict.fromkeys(words[word] for word in difflib.get_close_matches(wanted, words, n=3))
    hint = f"did you mean {', '.join(near)}?" if near else "`tutorch lectures` lists them"
    raise UnknownLecture(f"no lecture is called {text!r}: {hint}", text, tuple(near))


def _numbered(wanted: str, names: Sequence[str]) -> list[str]:
    """The main lecture of a number alone: `5`, `09`."""
    if not (wanted.isascii() and wanted.isdigit()):
        return []
    found = [name for name in names if int(name.split("_")[1]) == int(wanted)]
    main = [name for name in found if name.split("_", 2)[2] in _MAIN]
    return main or found


def read_lesson(path: Path) -> Lesson:
    """Title and lesson of the lecture in `path`, without importing it. Raises LectureError."""
    try:
        tree = parse(path.read_bytes(), filename=str(path))  # in the encoding it declares
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
    """Whether a lecture's file is one of the course, not a user's."""
    return path.parent == _FOLDER
