"""Headless training in a run folder that another program made before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.program import tutorch
from tui_app.runs.run_folder import RunFolder

LECTURE = "lecture_05_linear_regression"


def test_a_run_trains_in_a_folder_made_before_and_only_once(tmp_path: Path):
    folder = RunFolder.create(tmp_path / "my 运行", LECTURE)
    (folder.path / "job.sh").write_text("echo\n")
    words = ("--no-tui", "05", "--epochs", 2, "--run-folder", folder.path)
    ended = tutorch(*words)
    assert ended.exit_code == 0, ended.err
    assert ended.run == folder.path
    assert (folder.path / "job.sh").read_text() == "echo\n"
    assert [path.name for path in folder.path.parent.iterdir()] == [folder.path.name]
    options = json.loads(folder.run_json.read_text(encoding="utf-8"))["options"]
    assert options["runs_dir"] == str(tmp_path / "my 运行")
    assert "run_folder" not in options
    again = tutorch(*words)
    assert again.exit_code == 2
    assert "already holds a run" in again.err
    assert len(folder.metrics.read_text().splitlines()) > 0


def test_a_run_that_cant_be_prepared_leaves_the_folder_to_try_again(tmp_path: Path):
    folder = RunFolder.create(tmp_path, LECTURE)
    (folder.path / "job.sh").write_text("echo\n")
    missing = tutorch(
        "--no-tui", "05", "--dataset", "csv:none.csv", "--target", "y", "--run-folder", folder.path
    )
    assert missing.exit_code == 3
    assert (folder.path / "job.sh").exists()
    assert tutorch("--no-tui", "05", "--epochs", 1, "--run-folder", folder.path).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--run-folder", "."), "<date>-<time>-<4 hex>"),
        (("--run-folder", "runs/lecture_06_logistic_regression/{name}"), LECTURE),
        (("--run-folder", f"runs/{LECTURE}/20200101-000000-0000"), "there is no folder"),
        (("--run-folder", f"runs/{LECTURE}/{{name}}", "--runs-dir", "x"), "isn't below --runs-dir"),
        (("--run-folder", f"runs/{LECTURE}/{{name}}", "--sweep", "lr=1,2"), "holds one run"),
        (("--run-folder", f"runs/{LECTURE}/{{name}}", "--lr", "-1"), "lr"),
    ],
)
def test_a_wrong_folder_is_refused_before_training(words: tuple[str, ...], said: str):
    name = RunFolder.create(Path("runs"), LECTURE).path.name
    ended = tutorch("--no-tui", "05", *(word.format(name=name) for word in words))
    assert ended.exit_code == 2
    assert said in ended.err
    assert not list(Path("runs", LECTURE, name).iterdir())


def test_a_folder_that_another_program_prepares_is_refused_before_the_data_are_read(
    tmp_path: Path,
):
    folder = RunFolder.create(tmp_path, LECTURE)
    words = ("--no-tui", "05", "--dataset", "csv:none.csv", "--target", "y")
    with folder.lock():
        assert tutorch(*words, "--run-folder", folder.path).exit_code == 5
    assert tutorch(*words, "--run-folder", folder.path).exit_code == 3
