"""`--model FILE.py:CLASS`: a plain nn.Module, as course scripts have it, trains as a lecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import read_lesson
from models.loading.plain_net import plain_nets
from tests.program import train, tutorch

SCRIPT = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.view(-1, 784))

class Line(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.fc = nn.Linear(1, spec.outputs)

    def forward(self, x):
        return self.fc(x)

class Wide(nn.Module):
    def __init__(self, width, *, depth):
        super().__init__()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_net.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def test_a_plain_net_trains_with_lecture_9s_data_and_settings(folder: Path):
    run = train("--model", "my_net.py:Net", "--epochs", 2)
    assert run.parent.name == "my_net_Net_lecture_09"
    evaluated = tutorch("evaluate", "last", "--require", "test_accuracy>=0.8", "--json")
    assert evaluated.exit_code == 0
    train("--model=my_net.py:Net", "--epochs", 1)  # the file is there, and is the same


def test_the_data_and_criterion_are_those_of_the_named_lecture(folder: Path):
    run = train("05", "--model", "my_net.py:Line", "--epochs", 3)
    assert tutorch("show", run, "--json").json["dataset"] == "study-hours"
    text = (folder / "my_net_Line_lecture_05.py").read_text(encoding="utf-8")
    assert "reduction='sum'" in text
    assert "return Line(spec, hyperparameters)" in text


def test_a_net_that_cant_be_declared_is_refused_with_the_reason(folder: Path):
    for model, says in [
        ("my_net.py", "needs FILE.py:CLASS"),
        ("no_net.py:Net", "there is no file no_net.py"),
        ("my_net.py:Nut", "no class Nut(nn.Module): did you mean Net?"),
        ("my_net.py:Wide", "can't be built without width, depth"),
    ]:
        ended = tutorch("--no-tui", "--model", model)
        assert ended.exit_code == 2
        assert says in ended.err


def test_a_lecture_file_that_was_changed_isnt_overwritten(folder: Path):
    train("--model", "my_net.py:Net", "--epochs", 1)
    path = folder / "my_net_Net_lecture_09.py"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    ended = tutorch("--no-tui", "--model", "my_net.py:Net")
    assert ended.exit_code == 2
    assert "train it with `tutorch my_net_Net_lecture_09.py`" in ended.err
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_file_without_a_declaration_gets_the_command_that_writes_one(folder: Path):
    ended = tutorch("--no-tui", "my_net.py")
    assert ended.exit_code == 1
    assert "`tutorch --model my_net.py:Line`" in ended.err


def test_proposed_commands_quote_names_with_spaces(folder: Path):
    elsewhere = folder / "my nets"
    elsewhere.mkdir()
    (folder / "my_net.py").rename(elsewhere / "my_net.py")
    ended = tutorch("--no-tui", elsewhere / "my_net.py")
    assert f"`tutorch --model '{elsewhere}/my_net.py:Line'`" in ended.err
    train("--model", f"{elsewhere}/my_net.py:Net", "--epochs", 1)
    path = elsewhere / "my_net_Net_lecture_09.py"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    ended = tutorch("--no-tui", "--model", f"{elsewhere}/my_net.py:Net")
    assert f"`tutorch '{path}'`" in ended.err


@pytest.mark.parametrize(
    ("head", "encoding"),
    [("", "utf-8-sig"), ("# -*- coding: gbk -*-\n", "gbk")],
    ids=["notepad", "gbk"],
)
def test_a_file_is_read_in_the_encoding_that_it_declares(tmp_path: Path, head: str, encoding: str):
    text = f'{head}"""课程"""\nfrom torch import nn\n\nclass Net(nn.Module):\n    pass\n'
    path = tmp_path / "net.py"
    path.write_bytes(text.encode(encoding))
    assert read_lesson(path).text == "课程"
    assert [net.name for net in plain_nets(path)] == ["Net"]


def test_a_net_in_a_file_called_models_isnt_tutorchs_package(folder: Path):
    (folder / "my_net.py").rename(folder / "models.py")
    run = train("--model", "models.py:Net", "--epochs", 1)
    assert sorted(path.name for path in (run / "source").iterdir()) == [
        "models.py",
        "models_Net_lecture_09.py",
    ]
    assert tutorch("evaluate", run).exit_code == 0
