"""A run as a script that needs no tutorch: it trains the same losses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets import get_dataset
from models import find_lecture, lecture_names, load_lecture
from tests.program import names, train, tutorch
from tests.tolerances import TRAINED
from tui_app.training import prepare
from tui_app.training.control import Control
from tui_app.training.metrics_file import read_metrics
from tui_app.training.probes import load_probe
from tui_app.training.run_folder import RunFolder
from tui_app.training.session import Session
from tui_app.training.settings import settle
from tui_app.training.snapshot import take
from tui_app.training.subjects import subject_of_folder

_LOSSES = (
    "import json, runpy, sys\n"
    "assert 'tui_app' not in sys.modules\n"
    "for path in sys.argv[1:]:\n"
    "    print('losses ' + json.dumps(runpy.run_path(path)['losses']))\n"
    "assert not {'tui_app', 'models', 'datasets'} & set(sys.modules)\n"
)


def losses_of_scripts(*paths: Path) -> list[list[float]]:
    """The losses of each script, run in a Python that knows nothing of the checkout."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _LOSSES, *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("losses ")]
    return [json.loads(line.removeprefix("losses ")) for line in lines]


def recorded(folder: Path) -> list[float]:
    blocks = (line for line in read_metrics(folder / "metrics.jsonl") if line["kind"] == "steps")
    return [loss for block in blocks for loss in block["losses"]]


def steered(tmp_path: Path) -> Path:
    """A run whose lr was set by hand after 10 steps, and that was stopped after 20."""
    control = Control()
    given = {"epochs": 50, "runs_dir": str(tmp_path), "device": "cpu"}
    settings = settle(load_lecture(find_lecture("04")), given)
    session = Session.begin(settings, control, lambda progress: None)
    control.take_steps(10)
    pauses: list[int] = []

    def listen(event) -> None:
        if event.kind == "state" and event.state == "paused":
            pauses.append(event.step)
            if len(pauses) == 1:
                control.set_lr(0.003)
                control.take_steps(10)
            else:
                control.stop()

    session.follow(control, [listen])
    return session.folder.path


def test_a_script_of_every_lecture_trains_the_same_losses(
    trained: Callable[..., Path], tmp_path: Path, small_data: None
):
    """Whose data are bundled, at its defaults but for the number of epochs."""
    lectures = [name for name in lecture_names() if not get_dataset(first_dataset(name)).files]
    assert len(lectures) >= 15
    folders = [trained(name, "--epochs", "2") for name in lectures]
    paths = [tmp_path / f"{name}.py" for name in lectures]
    for folder, path in zip(folders, paths, strict=True):
        assert tutorch("export", folder, "script", "--out", path).exit_code == 0
    for name, folder, losses in zip(lectures, folders, losses_of_scripts(*paths), strict=True):
        np.testing.assert_allclose(losses, recorded(folder), rtol=TRAINED, err_msg=name)


def first_dataset(name: str) -> str:
    return load_lecture(find_lecture(name)).datasets[0]


def test_a_script_of_lecture_13_trains_the_same_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On names that are made up: the course's own are to be fetched."""
    monkeypatch.setattr(prepare, "read_dataset", lambda *_, **__: names())
    folder = train("13", "--epochs", "3", "--hidden-size", "8")
    path = tmp_path / "script.py"
    assert tutorch("export", folder, "script", "--out", path).exit_code == 0
    (losses,) = losses_of_scripts(path)
    np.testing.assert_allclose(losses, recorded(folder), rtol=TRAINED)


def test_scripts_train_the_same_losses(trained: Callable[..., Path], tmp_path: Path):
    runs = [
        ("02", "--bias", "--epochs", "30"),
        ("03", "--epochs", "10", "--gradient", "autograd function"),
        ("05", "--dataset", "noisy-line", "--epochs", "20", "--optimizer", "lbfgs"),
        ("07", "--dataset", "moons", "--epochs", "5", "--batch-size", "32", "--shuffle"),
        ("08_data", "--epochs", "2", "--drop-last", "--lr-schedule", "one-cycle"),
        ("10_basic", "--epochs", "1", "--channels", "2,3", "--clip-grad-norm", "1"),
        ("12", "--cell", "gru", "--lr-schedule", "cosine"),
    ]
    runs += [
        ("10_basic", "--epochs", "1", "--channels", "2,3", "--augment", "flip and shift"),
        ("04", "steered by hand"),
    ]
    folders = [*(trained(*argv) for argv in runs[:-1]), steered(tmp_path)]
    paths = [tmp_path / f"script_{number}.py" for number in range(len(runs))]
    for folder, path in zip(folders, paths, strict=True):
        ended = tutorch("export", folder, "script", "--out", path)
        assert (ended.exit_code, ended.out.strip()) == (0, str(path))
    for argv, folder, losses in zip(runs, folders, losses_of_scripts(*paths), strict=True):
        assert len(losses) == len(recorded(folder)), argv
        np.testing.assert_allclose(losses, recorded(folder), rtol=TRAINED, err_msg=str(argv))
    assert "{11: 0.003}" in paths[-1].read_text(encoding="utf-8")


def test_a_run_that_was_extended_is_exported_and_replayed_with_all_its_schedules(tmp_path: Path):
    runs, paths = [], []
    for schedule in ("cosine", "one-cycle", "step"):
        argv = ("05", "--dataset", "noisy-line", "--epochs", 8, "--lr-schedule", schedule)
        run = train(*argv, "--runs-dir", tmp_path)
        for epochs in (12, 20):
            assert tutorch("resume", run, "--epochs", epochs, "--no-tui").exit_code == 0
        path = tmp_path / f"{schedule}.py"
        assert tutorch("export", run, "script", "--out", path).exit_code == 0
        runs.append(run)
        paths.append(path)
    for run, losses in zip(runs, losses_of_scripts(*paths), strict=True):
        np.testing.assert_allclose(losses, recorded(run), rtol=TRAINED)
        landscape = take(subject_of_folder(RunFolder(run)), load_probe("landscape")).found
        np.testing.assert_allclose(landscape.descents[0].losses, recorded(run), rtol=TRAINED)


def test_a_file_that_is_there_is_not_written_over(trained: Callable[..., Path], tmp_path: Path):
    folder = trained("06", "--epochs", "2")
    path = tmp_path / "mine.py"
    path.write_text("mine", encoding="utf-8")
    assert tutorch("export", folder, "script", "--out", path).exit_code == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert tutorch("export", folder, "script", "--out", path, "--force").exit_code == 0
