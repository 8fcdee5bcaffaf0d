"""What loads torch and Textual: listing lectures needs no torch, training no terminal."""

from __future__ import annotations

import enum
import os
import signal
import types

import pytest

from datasets import dataset_names
from tests.program import ROOT, python, train, tutorch
from tui_app.runs import process_identity
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal import signals as terminal_signals

HEAVY = {"torch", "torchvision", "sklearn", "scipy", "textual", "plotext"}
TERMINAL = {"textual", "rich", "plotext", "textual_plotext", "tyro"}


def test_the_help_and_the_list_import_neither_torch_nor_textual():
    printed = python(
        "import sys\n"
        "from tui_app.cli import run\n"
        "for argv in (['--help'], ['--version'], ['lectures'], ['lectures', '--json'], ['runs']):\n"
        "    assert run(argv) == 0\n"
        "print(*sys.modules)\n"
    )
    assert not HEAVY & set(printed.splitlines()[-1].split())


def test_the_app_paints_before_torch_is_imported():
    printed = python("import sys\nimport tui_app.app.session.run_app\nprint(*sys.modules)\n")
    modules = set(printed.split())
    assert "textual" in modules
    assert "torch" not in modules


def test_data_models_and_training_know_no_terminal():
    printed = python(
        "import importlib, pkgutil, sys\n"
        "import tui_app\n"
        "rooms = ('runs', 'training', 'inspection')\n"
        "for package in ('datasets', 'models', *('tui_app.' + room for room in rooms)):\n"
        "    package = importlib.import_module(package)\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print(*sys.modules)\n"
    )
    modules = set(printed.split())
    assert {"torch", "tui_app.training.loop", "models.lecture_10_basic_cnn"} <= modules
    assert not TERMINAL & modules


def test_the_top_of_the_application_holds_rooms_and_no_loose_modules():
    modules = {path.stem for path in (ROOT / "tui_app").glob("*.py")}
    assert modules == {"__init__", "__main__", "cli", "version"}


def test_the_listing_of_datasets_is_the_data_sets():
    modules = {path.stem for path in (ROOT / "datasets").glob("*.py")}
    sets = {name.replace("-", "_") for name in dataset_names()}
    assert modules == {"__init__", "dataset", *sets}


# Where there is no POSIX


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """`signal` and `os` as far as tui_app.terminal.signals may ask them there."""
    signals = enum.IntEnum("Signals", {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM})
    monkeypatch.setattr(terminal_signals, "signal", types.SimpleNamespace(Signals=signals))
    monkeypatch.setattr(process_identity, "os", types.SimpleNamespace(name="nt", getpid=os.getpid))


@pytest.mark.usefixtures("windows")
def test_without_posix_there_is_no_hang_up_and_training_works_all_the_same():
    assert list(terminal_signals.stop_signals().values()) == [
        ExitCode.INTERRUPTED,
        ExitCode.TERMINATED,
    ]
    assert process_identity.is_running(1)  # that can't be asked
    train("04", "--epochs", 2)
    assert tutorch("resume", "last", "--epochs", 3, "--no-tui").exit_code == 0
    assert tutorch("runs", "--json").json[0]["state"] == "completed"


def test_training_on_digits_imports_neither_scikit_learn_nor_torchvision():
    printed = python(
        "import sys\n"
        "from tui_app.cli import run\n"
        "assert run(['--no-tui', '--quiet', '--epochs', '1', '--widths', '8']) == 0\n"
        "print(*sys.modules)\n"
    )
    assert not {"sklearn", "scipy", "torchvision", "textual"} & set(printed.split())
