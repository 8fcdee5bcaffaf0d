"""A run's script needs no tutorch and trains the same losses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets import get_dataset
from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.program import metrics_lines, names, train, tutorch
from tests.tolerances import TRAINED
from tui_app.inspection.probe_context import context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.inspection.probes import load_probe
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import prepare
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control

_LOSSES = (
    "import json, runpy, sys\n"
    "assert 'tui_app' not in sys.modules\n"
    "for path in sys.argv[1:]:\n"
    "    print('losses ' + json.dumps(runpy.run_path(path)['losses']))\n"
    "assert not {'tui_app', 'models', 'datasets'} & set(sys.modules)\n"
)


def losses_of_scripts(*paths: Path) -> list[list[float]]:
    """The losses of each script, run in a Python without the checkout on its path."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _LOSSES, *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("losses ")]
    return [json.loads(line.removeprefix("losses ")) for line in lines]


def recorded(folder: Path) -> list[float]:
    blocks = (line for line in metrics_lines(folder / "metrics.jsonl") if line["kind"] == "steps")
    return [loss for block in blocks for loss in block["losses"]]


def steered(tmp_path: Path) -> Path:
    """A run whose lr the user set after 10 steps and that was stopped after 20."""
    control = Control()
    given = {"epochs": 50, "runs_dir": str(tmp_path), "device": "cpu"}
    settled = resolve_settings(load_lecture(find_lecture("04")), given)
    session = start_run(settled, control, lambda progress: None)
    control.run_steps(10)
    pauses: list[int] = []

    def listen(event) -> None:
        if event.kind == "state" and event.state == "paused":
            pauses.append(event.step)
            if len(pauses) == 1:
                control.set_lr(0.003)
                control.run_steps(10)
            else:
                control.stop()

    session.train(control, [listen])
    return session.folder.path


def test_a_script_of_every_lecture_trains_the_same_losses(
    trained: Callable[..., Path], tmp_path: Path, small_data: None
):
    """Every lecture with bundled data, at its defaults, for two epochs."""
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
    """On made-up names, since the course's would have to be fetched."""
    monkeypatch.setattr(prepare, "read_dataset", lambda *_, **__: names())
    folder = train("13", "--epochs", "3", "--hidden-size", "8")
    path = tmp_path / "script.py"
    assert tutorch("export", folder, "script", "--out", path).exit_code == 0
    (losses,) = losses_of_scripts(path)
    np.testing.assert_allclose(losses, recorded(folder), rtol=TRAINED)


USERS = '''"""Mine."""
from __future__ import annotations

import math; from torch import nn
from models.lecture import Hyperparameters, Lecture
from .other import (
    width,  # of the hidden layer
)
from .torch import more as extra
from . import nets

SIGNS = "\f\u2028\x85"; WIDTH = width * extra

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        from .nets import head
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, WIDTH), nn.ReLU())
        self.head = head.Head(WIDTH, spec.outputs)

    def forward(self, x):
        return self.head(self.body(x)) * math.sqrt(nets.SCALE)

LECTURE = Lecture(title="Mine", title_zh="我的", datasets=("digits",),
    model=lambda spec, hp: Net(spec), criterion=nn.CrossEntropyLoss,
    hyperparameters=Hyperparameters(lr=0.1, epochs=1))
'''
MODULES = {
    "other": "width = 4",
    "torch": "more = 2",
    "nets/__init__": "from .sizes import SCALE",
    "nets/sizes": "from ..other import width as SCALE",
    "nets/head": "from torch import nn\n\nclass Head(nn.Linear):\n    pass\n",
}


def with_relative_imports(folder: Path) -> Path:
    """A user's file with modules beside it, one of them named like a package that it imports, and
    with a string of characters that end a line for str.splitlines, but not for Python.
    """
    (folder / "nets").mkdir(parents=True)
    for name, text in {"mine": USERS, **MODULES}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder / "mine.py"


def test_scripts_train_the_same_losses(trained: Callable[..., Path], tmp_path: Path):
    runs = [
        ("02", "--bias", "--epochs", "30"),
        ("03", "--epochs", "10", "--gradient", "autograd function"),
        ("05", "--dataset", "noisy-line", "--epochs", "20", "--optimizer", "lbfgs"),
        ("07", "--dataset", "moons", "--epochs", "5", "--batch-size", "32", "--shuffle"),
        ("08_data", "--epochs", "2", "--drop-last", "--lr-schedule", "one-cycle"),
        ("10_basic", "--epochs", "1", "--channels", "2,3", "--clip-grad-norm", "1"),
        ("12", "--cell", "gru", "--lr-schedule", "cosine"),
        ("06", "--epochs", "6", "--lr-schedule", "milestones", "--lr-milestones", "2,4"),
        ("06", "--epochs", "6", "--momentum", "0.9", "--nesterov"),
    ]
    runs += [
        ("10_basic", "--epochs", "1", "--channels", "2,3", "--augment", "flip and shift"),
        ("09_softmax", "--epochs", "2", "--widths", "8", "--augment", "alternating flip and shift"),
        (str(with_relative_imports(tmp_path / "beside")),),
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


def test_a_script_has_the_precision_and_layout_of_a_gpu_run(trained: Callable[..., Path]):
    tf32, layout = "set_float32_matmul_precision", "memory_format=torch.channels_last"
    for precision, expected in {"tf32": (True, True), "fp32": (False, False)}.items():
        options = ("--epochs", "1", "--channels", "2,3", "--precision", precision)
        folder = trained("10_basic", *options)
        script = tutorch("export", folder, "script", "--out", "-").out
        assert (tf32 in script, layout in script) == (False, True), "on the CPU"
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**record, "device": "cuda:0"}))
        script = tutorch("export", folder, "script", "--out", "-").out
        assert (tf32 in script, layout in script) == expected


def test_an_extended_run_is_exported_and_replayed_with_all_its_schedules(tmp_path: Path):
    runs, paths = [], []
    for schedule in ("cosine", "one-cycle", "linear", "milestones", "step"):
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
        landscape = run_probe(context_of_run(RunFolder(run)), load_probe("landscape")).found
        np.testing.assert_allclose(landscape.descents[0].losses, recorded(run), rtol=TRAINED)


def test_an_existing_file_is_overwritten_only_with_force(
    trained: Callable[..., Path], tmp_path: Path
):
    folder = trained("06", "--epochs", "2")
    path = tmp_path / "mine.py"
    path.write_text("mine", encoding="utf-8")
    assert tutorch("export", folder, "script", "--out", path).exit_code == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert tutorch("export", folder, "script", "--out", path, "--force").exit_code == 0


def test_the_script_of_a_file_called_torch_gets_another_name(tmp_path: Path, small_data: None):
    run = train(in_one_file(tmp_path / "own" / "torch.py"), "--epochs", 1)
    assert tutorch("export", run).out == "torch_script.py\n"


def test_a_script_beside_a_file_called_random_imports_pythons_module(
    tmp_path: Path, small_data: None
):
    run = train(in_one_file(tmp_path / "random.py"), "--epochs", 1)
    assert tutorch("export", run).out == "random_script.py\n"
    done = subprocess.run(
        [sys.executable, "random_script.py"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def in_one_file(path: Path) -> Path:
    """The user's file above with one module beside it, at `path`."""
    path.parent.mkdir(exist_ok=True)
    text = USERS.replace("from .torch import more as extra\nfrom . import nets\n", "extra = 1\n")
    text = text.replace("from .nets import head", "head = nn").replace("nets.SCALE", "4")
    path.write_text(text.replace("head.Head", "head.Linear"))
    path.with_name("other.py").write_text("width = 4")
    return path
