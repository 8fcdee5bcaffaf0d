"""A library's warning becomes a note of the run, not a line of the library's code on stderr."""

from __future__ import annotations

import contextlib
import json
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.program import LONGEST, train, tutorch
from tui_app.monitoring.new_runs import new_runs
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.library_warnings import warnings_noted

_NET = """
import warnings

import numpy as np
from torch import nn
from models.lecture import Lecture

warnings.warn("imported")

class Warning_(nn.Linear):
    def forward(self, x):
        warnings.warn("odd \\x1b[31m input")
        np.testing.suppress_warnings
        return super().forward(x)

LECTURE = Lecture(title="Warns", title_zh="警", datasets=("study-hours",),
    model=lambda spec, hyperparameters: Warning_(1, 1), criterion=nn.MSELoss)
""".replace("        np.testing.suppress_warnings\n", "")


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "my_net.py"
    path.write_text(_NET, encoding="utf-8")
    with shown():
        yield path


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Warnings as Python shows them outside of tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


def test_a_headless_run_notes_each_warning_once_with_its_line(net: Path):
    ended = tutorch("--no-tui", net, "--epochs", 3)
    assert ended.exit_code == 0
    assert ended.err.count("my_net.py line 8: imported (UserWarning)") == 1
    assert ended.err.count("note: my_net.py line 12: odd") == 1
    assert "warnings.warn" not in ended.err  # as Python would quote it
    log = (ended.run / "log.txt").read_text(encoding="utf-8")
    assert log.count("my_net.py line 12: odd") == 1
    said = tutorch("predict", "last", "4", "--json")
    assert "tutorch: my_net.py line 12: odd" in said.err
    assert json.loads(said.out)


def test_in_the_app_warnings_are_notes_of_the_run(net: Path):
    allow_named_file(net)
    with warnings_noted(lambda text: None):
        lecture = load_lecture(find_lecture(str(net)))
    (run,) = new_runs([resolve_settings(lecture, {"epochs": 2})])
    run.start()
    assert run.join(LONGEST)
    run.poll()
    (note,) = [line for line in run.history.log.lines if "line 12" in line.text]
    assert (note.kind, "(UserWarning)" in note.text) == ("warning", True)


def test_a_warning_names_its_library():
    import numpy
    import torch

    notes: list[str] = []
    with shown(), warnings_noted(notes.append):
        for module in (numpy, torch, pytest):
            warnings.warn_explicit("a\n  b", UserWarning, str(module.__file__), 1)
        thread = threading.Thread(
            target=warnings.warn_explicit, args=("c", FutureWarning, "<string>", 1)
        )
        thread.start()
        thread.join()
    assert notes == [
        "NumPy warns: a b",
        "PyTorch warns: a b",
        "pytest warns: a b",
        "c (FutureWarning)",
    ]


def test_a_flood_of_different_warnings_is_cut_short(monkeypatch: pytest.MonkeyPatch):
    notes: list[str] = []
    with shown(), warnings_noted(notes.append):
        for number in range(1000):
            warnings.warn_explicit(f"{number}", UserWarning, "<string>", number)
    assert len(notes) == 100
    run = train("05", "--epochs", 1)  # after which warnings are shown as before
    assert run.is_dir()
