"""The commands and files that the README, the other pages and the lessons name exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import find_lecture, lecture_names, read_lesson
from tests.program import ROOT, tutorch
from tui_app.commands import data, resume, submit, train
from tui_app.headless import run, search
from tui_app.inspection.lr_finder import finder
from tui_app.training import start

#: What stands for a word of one's own.
PLACEHOLDERS = {"LECTURE": "05", "RUN": "last", "INPUT": "4", "FOLDER": "."}


#: The pages of the project, from its top folder.
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
    if page.name != "CHANGELOG.md"  # it names what there was
)


class Reached(Exception):
    """The command line was understood, and its run settled."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def texts() -> Iterator[tuple[str, str]]:
    for name in PAGES:
        yield name, read(name)
    for name in lecture_names():
        lesson = read_lesson(find_lecture(name))
        yield name, lesson.text
        yield f"{name} in Chinese", lesson.text_zh


def command_lines(text: str) -> Iterator[str]:
    """Every `tutorch ...` in code, on a line of its own or within one; without its comment."""
    code = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    code += re.findall(r"(?m)^ {4,}(.*tutorch .*)$", text)
    code += re.findall(r"`(tutorch[^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in "\n".join(code).replace("\\\n", " ").splitlines():
        for part in re.split(r"&&| \| ", re.sub(r"\s#.*", "", line)):
            words = part.split()
            if "tutorch" in words:
                yield part[part.index("tutorch") :].strip()


def test_the_readme_opens_with_its_two_commands():
    first, second = re.findall(r"```\n(.*?)\n```", read("README.md"), re.DOTALL)[:2]
    assert first == "pip install -e . && tutorch --no-tui"
    assert second == 'pip install -e ".[test]" && pytest'


def test_every_command_line_is_understood(monkeypatch: pytest.MonkeyPatch):
    """Up to where a run would begin: its options exist, and their values go with each other."""

    def reach(*args: object, **options: object) -> None:
        raise Reached

    monkeypatch.setattr(start, "start_run", reach)
    monkeypatch.setattr(run, "check_models", lambda *args: None)
    monkeypatch.setattr(submit, "submit", reach)
    monkeypatch.setattr(finder, "find_lr", reach)
    monkeypatch.setattr(search, "search", reach)
    monkeypatch.setattr(train, "train_on_devices", reach)
    monkeypatch.setattr(resume, "train_on_devices", reach)
    monkeypatch.setattr(data, "locate", lambda *args: {})
    lines = {line: name for name, text in texts() for line in command_lines(text)}
    assert len(lines) > len(lecture_names())
    wrong = [
        f"{name}: {line}: {why}" for line, name in lines.items() if (why := misunderstood(line))
    ]
    assert not wrong, "\n".join(wrong)


def misunderstood(line: str) -> str:
    """Why `line` is no command line of tutorch; empty when it is one."""
    if any(part in line for part in ("<", "...", "path/to", " NAME")):  # a pattern, not a line
        return ""
    if line == "tutorch search":  # which needs more: the command's name in a sentence
        return ""
    argv = [PLACEHOLDERS.get(word, word) for word in shlex.split(line)[1:]]
    try:
        ended = tutorch(*argv)
    except Reached:
        return ""
    # Nothing else was wrong with it.
    is_nothing_there = "no runs in" in ended.err or "there is no study" in ended.err
    return "" if ended.exit_code == 0 or is_nothing_there else ended.err


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_named_is_there(name: str):
    named = re.findall(r"`((?:models|datasets|tests|tui_app|\.ci)/[\w./]*\w)`", read(name))
    links = re.findall(r"\]\((?!http)([^)#]+)\)", read(name))
    below = Path(name).parent
    for path in [*named, *(below / link for link in links)]:
        if not re.search(r"NN|/name\.", str(path)):
            assert Path(ROOT, path).exists(), path
