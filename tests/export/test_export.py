"""A run as a script that needs no tutorch: it trains the same losses."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datasets import get_dataset
from models import find_lecture, lecture_names
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tests.program import metrics_lines, names, train, tutorch
from tests.tolerances import TRAINED
from tui_app.export import script_of
from tui_app.export.literals import literal
from tui_app.inspection.probe_context import ProbeContext, context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.inspection.probes import load_probe
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.settings import settle
from tui_app.training import prepare
from tui_app.training.control import Control
from tui_app.training.start import start_run

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


def record(device: str, **more: Any) -> RunRecord:
    """What run.json could say of a run on a device."""
    values = {"lecture": "x", "dataset": "x", "hyperparameters": {"epochs": 1}, "device": device}
    return RunRecord.of({**values, **more})


def recorded(folder: Path) -> list[float]:
    blocks = (line for line in metrics_lines(folder / "metrics.jsonl") if line["kind"] == "steps")
    return [loss for block in blocks for loss in block["losses"]]


def steered(tmp_path: Path) -> Path:
    """A run whose lr was set by hand after 10 steps, and that was stopped after 20."""
    control = Control()
    given = {"epochs": 50, "runs_dir": str(tmp_path), "device": "cpu"}
    settled = settle(load_lecture(find_lecture("04")), given)
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


USERS = '''"""Mine."""
from __future__ import annotations

from tests.program import metrics_lines
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
    """A user's file with modules beside it, one of them called like a package that it imports, and
    with signs in a text at which Python's lines don't end.
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
    ]
    runs += [
        ("10_basic", "--epochs", "1", "--channels", "2,3", "--augment", "flip and shift"),
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
        landscape = run_probe(context_of_run(RunFolder(run)), load_probe("landscape")).found
        np.testing.assert_allclose(landscape.descents[0].losses, recorded(run), rtol=TRAINED)


def test_a_file_that_is_there_is_not_written_over(trained: Callable[..., Path], tmp_path: Path):
    folder = trained("06", "--epochs", "2")
    path = tmp_path / "mine.py"
    path.write_text("mine", encoding="utf-8")
    assert tutorch("export", folder, "script", "--out", path).exit_code == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert tutorch("export", folder, "script", "--out", path, "--force").exit_code == 0


def shape_of(script: str) -> str:
    """The script's syntax without the values of its constants, and without comments."""

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant(type(node.value).__name__)

    return ast.dump(Blank().visit(ast.parse(script)))


hostile = st.one_of(
    st.text(),
    st.sampled_from(
        [
            *(
                "''',#",
                '"""\nimport os\n"""',
                "\\",
                "x\nimport os",
                "x\rimport os #",
                "\x0cimport os",
            ),
            *(
                "x\u2028import os",
                "x\x85import os",
                "# 1. Data",
                "import math\n",
                "{0}",
                "%s",
                "\0",
            ),
            *("coding: utf-7 +AAo-import os", "# -*- coding: rot13 -*-", "\ud800", "\u202e"),
        ]
    ),
)


@pytest.fixture(scope="module")
def to_export(tmp_path_factory: pytest.TempPathFactory) -> ProbeContext:
    """A run on data with classes and images."""
    folder = tmp_path_factory.mktemp("runs")
    run = train("softmax", "--epochs", 1, "--runs-dir", folder)
    context, few = context_of_run(RunFolder(run)), np.arange(8)
    return replace(context, train=context.train.subset(few), split=context.split.subset(few))


@given(texts=st.lists(hostile, min_size=10, max_size=10))
@example(["''',#"] * 10)
@example(['"""\nimport os\nos.system("id")\n"""'] * 10)
@example(["# 1. Data"] * 10)
@settings(max_examples=60, deadline=None)
def test_what_a_run_says_of_itself_is_in_its_script_as_literals_and_comments(
    to_export: ProbeContext, texts: list[str]
):
    title, folder, version, dataset, stem, *classes = texts
    spec = replace(to_export.data.spec, classes=tuple(classes), vocabulary=tuple(texts))
    lecture = replace(to_export.settings.lecture, title=title, title_zh=title)
    name = folder.replace("/", "").replace("\0", "") or "x"
    told = replace(
        to_export,
        data=replace(to_export.data, spec=spec),
        settings=replace(
            to_export.settings,
            lecture=lecture,
            options=replace(to_export.settings.options, dataset=dataset),
        ),
        folder=RunFolder(Path("/nowhere") / name / name),
    )
    script, _ = script_of(told, record("cpu", versions={"torch": version}), stem)
    compile(script.encode("utf-8"), "script.py", "exec", dont_inherit=True)
    spec = replace(spec, classes=("a",) * len(classes), vocabulary=("a",) * len(texts))
    usual = replace(told, data=replace(told.data, spec=spec), folder=RunFolder(Path("/nowhere/a")))
    assert shape_of(script) == shape_of(script_of(usual, record("cpu"), "script")[0])


def test_the_script_of_a_file_called_torch_is_called_otherwise(tmp_path: Path, small_data: None):
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


@pytest.mark.parametrize("device", ["''',#", "gpu", ""])
def test_a_run_on_no_device_is_not_exported(to_export: ProbeContext, device: str):
    with pytest.raises(DamagedRun, match="names no device"):
        script_of(to_export, record(device), "script")


def test_numbers_without_a_literal_and_values_of_other_types():
    class Sly(str):
        def __repr__(self) -> str:
            return "__import__('os')"

    values = {"a": [math.nan, math.inf, -math.inf, np.float32(0.5)], "b": (Sly("x"), None, True)}
    text = literal(values)
    assert "import" not in text
    read = eval(text)  # of what was just seen to be harmless
    assert math.isnan(read["a"].pop(0))
    assert read == {"a": [math.inf, -math.inf, 0.5], "b": ("x", None, True)}
    with pytest.raises(InvalidValue, match="can't hold a value of type"):
        literal(object())
