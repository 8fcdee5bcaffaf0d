"""`last` is the run that this machine started last, according to its run.json."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import tutorch
from tui_app.runs.listing import find_run
from tui_app.runs.run_folder import RunFolder

NOW = time.time()


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., RunFolder]:
    """Makes a run folder with this name and these fields of run.json."""

    def make(name: str, **record: Any) -> RunFolder:
        folder = RunFolder(tmp_path / "lecture_04_back_propagation" / name)
        folder.path.mkdir(parents=True)
        values = {"schema_version": 1, "lecture": folder.path.parent.name, "dataset": "points"}
        values |= {"hyperparameters": {"epochs": 1}}
        folder.run_json.write_text(json.dumps({**values, **record}))
        return folder

    return make


def test_neither_a_name_nor_a_date_of_the_future_is_the_last_run(
    tmp_path: Path, recorded: Callable[..., RunFolder]
):
    recorded("20260101-120000-aaaa", created=NOW - 200)
    last = recorded("20260101-110000-bbbb", created=NOW - 100)
    copied = recorded("20990101-120000-cccc", created=NOW - 300)
    os.utime(copied.path, (NOW + 10**6, NOW + 10**6))
    for number, created in enumerate([NOW + 10**6, 1e999, "soon", None, [], 10**400, -5]):
        recorded(f"20980101-12000{number}-dddd", created=created)
    recorded("zzzz")
    assert find_run("last", tmp_path).path == last.path


def test_runs_of_earlier_versions_are_ordered_by_their_names(
    tmp_path: Path, recorded: Callable[..., RunFolder]
):
    recorded("20250101-120000-aaaa")
    last = recorded("20250301-120000-0001")
    recorded("20250201-120000-ffff")
    assert find_run("last", tmp_path).path == last.path
    newer = recorded("20240101-120000-aaaa", created=time.time() - 1)
    assert find_run("last", tmp_path).path == newer.path


def test_a_run_just_trained_is_the_last_beside_one_of_a_later_name(
    recorded: Callable[..., RunFolder], tmp_path: Path
):
    recorded("20990101-120000-cccc", created=NOW - 300)
    run = tutorch("--no-tui", "04", "--epochs", 1, "--runs-dir", tmp_path).run
    assert str(run.name) in tutorch("show", "last", "--runs-dir", tmp_path).out
