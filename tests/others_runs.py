"""Makes runs and files of another user, whose code leaves a mark when it runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.user_files import owners, trust, trust_store
from models.user_files import source as source_module
from tests.program import train
from tui_app.runs.settings import configuration_file

NET = '''"""Mine."""
from torch import nn
from models.lecture import Hyperparameters, Lecture
from head import Head

LECTURE = Lecture(title="Mine", title_zh="我的", datasets=("study-hours",),
    model=lambda spec, hp: Head(1, 1), criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(lr=0.01, epochs=1))
'''
HEAD = "from torch import nn\n\nclass Head(nn.Linear):\n    pass\n"


def write(folder: Path, net: str = NET) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "head.py").write_text(HEAD)
    path = folder / "my_net.py"
    path.write_text(net)
    return path


def record(run: Path, **changed: Any) -> dict[str, Any]:
    """What run.json says, with these changes from now on."""
    said = {**json.loads((run / "run.json").read_text("utf-8")), **changed}
    (run / "run.json").write_text(json.dumps(said))
    return said


def hostile(mark: Path) -> str:
    return f"{NET}\nimport pathlib\npathlib.Path({str(mark)!r}).touch()\n"


def run_of_another(tmp_path: Path, code: str) -> Path:
    """A whole run, with this code, that somebody else made: it was never trusted here."""
    run = train(write(tmp_path / "theirs"))
    shutil.rmtree(tmp_path / "theirs")
    shutil.rmtree(tmp_path / "state")
    change_code(run, "my_net.py", code)
    return run


def change_code(run: Path, name: str, code: str) -> None:
    """Replace a file of the code that a run keeps, and what run.json says of it."""
    (run / "source" / name).write_text(code)
    said = record(run)["source"]
    said["files"][name] = hashlib.sha256(code.encode()).hexdigest()
    record(run, source=said)


def belongs_to_eve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Lets a file, or a folder and what is in it, belong to uid 12345 once it is given the path."""
    places: list[Path] = []

    def uid(status: os.stat_result) -> int:
        theirs = [each for place in places for each in (place, *place.rglob("*"))]
        return 12345 if any(os.path.samestat(status, each.stat()) for each in theirs) else own

    own = os.geteuid()
    for module in (owners, source_module, trust_store, configuration_file):
        monkeypatch.setattr(module, "uid_of", uid)
    return places.append


def next_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was named and trusted for one program alone."""
    monkeypatch.setattr(trust, "_named", set())
    monkeypatch.setattr(trust, "_only_here", {})
