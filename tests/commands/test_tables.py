"""Lists on the command line: one line per row at any width, with short ids that find the run."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.program import tutorch
from tui_app.runs.listing import find_run, run_folders, short_ids
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal import printing

_LECTURES = ("lecture_07_multiple_dimension_input", "我的网络_第一次尝试", "a_net_" + "x" * 60)
_DATA = ("digits", "fashion-mnist", "csv:/home/wang/数据/第一次实验的数据表格.csv")


@pytest.fixture
def thirty_runs(trained) -> list[Path]:
    """Return run folders: some with long or Chinese names, and two that end in the same digits."""
    original = trained("05", "--epochs", "1")
    record = json.loads((original / "run.json").read_text(encoding="utf-8"))
    copies = []
    for number in range(30):
        lecture = _LECTURES[number % 3]
        digits = min(number, 28)
        copy = (
            Path("runs").absolute() / lecture / f"202611{number % 28 + 1:02d}-120000-ab{digits:02x}"
        )
        shutil.copytree(original, copy)
        record |= {"lecture": lecture, "dataset": _DATA[number // 3 % 3]}
        record["hyperparameters"]["epochs"] = 10 ** (number % 8)
        (copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
        copies.append(copy)
    shutil.rmtree(original)
    return copies


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, *argv: object) -> list[str]:
    """Return the lines of stdout on a terminal of this width."""

    def console() -> Console:
        return Console(width=width, force_terminal=True, color_system=None, markup=False)

    with monkeypatch.context() as patch:
        patch.setattr(printing, "stdout_console", console)
        ended = tutorch(*argv)
    assert ended.exit_code == 0
    return ended.out.splitlines()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_each_run_has_one_line_that_begins_with_its_id(
    width: int, thirty_runs: list[Path], monkeypatch: pytest.MonkeyPatch
):
    lines = on_terminal(monkeypatch, width, "runs")
    assert len(lines) == 31
    assert max(map(cell_len, lines)) <= width
    ids = [run["id"] for run in tutorch("runs", "--json").json]
    assert [line.split()[0] for line in lines[1:]] == ids


def test_columns_leave_by_importance(thirty_runs: list[Path], monkeypatch: pytest.MonkeyPatch):
    shutil.rmtree(thirty_runs[-1])  # then four digits are enough for each id
    heads = {w: on_terminal(monkeypatch, w, "runs")[0].split() for w in (40, 60, 80, 300)}
    assert heads[40] == ["id", "lecture", "best"]
    assert heads[60] == ["id", "lecture", "epochs", "best", "state"]
    assert heads[80] == ["id", "lecture", "data", "epochs", "best", "state"]
    assert heads[300][-5:] == ["started", "best", "by", "at", "epoch"]
    at_80 = "\n".join(on_terminal(monkeypatch, 80, "runs"))
    assert "07_multiple_dimension_in" in at_80
    assert "10M" in at_80


@pytest.mark.parametrize("command", ["runs", "lectures", "data"])
def test_a_pipe_gets_the_text_of_a_wide_terminal(
    command: str, thirty_runs: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    piped = tutorch(command).out.splitlines()
    assert piped == on_terminal(monkeypatch, 500, command)
    assert not any("…" in line for line in piped)


@pytest.mark.parametrize("command", ["lectures", "data"])
def test_a_list_at_80_columns_has_a_line_for_each_name(
    command: str, monkeypatch: pytest.MonkeyPatch
):
    lines = on_terminal(monkeypatch, 80, command)
    names = [row["name"] for row in tutorch(command, "--json").json]
    assert [line.split()[0] for line in lines[1:]] == names
    assert max(map(cell_len, lines)) <= 80


def test_runs_on_several_devices_are_told_apart(
    thirty_runs: list[Path], monkeypatch: pytest.MonkeyPatch
):
    assert "devices" not in on_terminal(monkeypatch, 160, "runs")[0]
    record = json.loads((thirty_runs[0] / "run.json").read_text())
    record["options"]["devices"] = 2
    (thirty_runs[0] / "run.json").write_text(json.dumps(record))
    table = "\n".join(on_terminal(monkeypatch, 160, "runs"))
    assert "state      devices  started" in table
    assert Counter(re.findall(r"  (\d) +20\d\d-\d\d-\d\d", table)) == {"1": 29, "2": 1}
    shown = on_terminal(monkeypatch, 160, "show", thirty_runs[0])
    assert any("2 devices (cpu), 1 thread" in line for line in shown)


def test_an_id_selects_one_run_in_every_command(thirty_runs: list[Path]):
    ids = {run["id"]: run["path"] for run in tutorch("runs", "--json").json}
    assert len(ids) == 30
    assert {"ab00", "ab1b"} < set(ids)
    assert (
        "20261101-120000-ab1c" in ids
    )  # the digits of two runs: more of the name tells them apart
    for id_, path in ids.items():
        assert str(find_run(id_, Path("runs")).path) == path
    assert tutorch("show", "ab05", "--json").json["path"] == ids["ab05"]
    ambiguous = tutorch("show", "ab1c")
    assert (ambiguous.exit_code, "could be any of 2 runs" in ambiguous.err) == (2, True)


def test_digits_at_the_end_of_a_name_come_before_the_same_ones_within(thirty_runs: list[Path]):
    name = "lecture_05_linear_regression/20261130-120000-2611"  # also in the date of all others
    shutil.copytree(thirty_runs[0], Path("runs") / name)
    assert find_run("2611", Path("runs")).name == name


def test_a_new_run_takes_no_digits_that_another_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = iter([1.5, 1.5, 1.5, 1.75, 1.75])
    monkeypatch.setattr("tui_app.runs.run_folder.time.time", lambda: next(now))
    first = RunFolder.create(tmp_path, "one")
    second = RunFolder.create(tmp_path, "two")
    assert (first.name[-4:], second.name[-4:]) == ("8000", "c000")


def test_a_renamed_run_is_called_by_its_whole_name(tmp_path: Path):
    run = RunFolder(tmp_path / "runs" / "lecture" / "my-best-1")
    assert short_ids([run]) == ["my-best-1"]


def test_the_table_of_a_sweep_has_a_column_for_each_setting(monkeypatch: pytest.MonkeyPatch):
    argv = ("--no-tui", "05", "--epochs", 1, "--quiet", "--sweep", "optimizer=sgd,adam")
    lines = on_terminal(monkeypatch, 42, *argv, "--sweep", "lr=0.01,0.1")
    table = [line.split() for line in lines if not line.startswith("/")]
    assert table[0] == ["id", "optimizer", "lr", "best", "state"]
    assert {tuple(row[1:3]) for row in table[1:]} == {
        (optimizer, lr) for optimizer in ("sgd", "adam") for lr in ("0.01", "0.1")
    }
    assert {row[0] for row in table[1:]} == set(short_ids(run_folders(Path("runs"))))


@pytest.mark.parametrize(
    ("host", "proposed"), [("node-7.lab", "`ssh node-7.lab`, then "), ("-oProxyCommand=x", "")]
)
def test_a_run_on_another_machine_proposes_no_host_that_ssh_reads_as_an_option(
    trained, host: str, proposed: str
):
    run = trained("05", "--epochs", "1")
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    status |= {"state": "running", "host": host, "heartbeat": time.time()}
    (run / "status.json").write_text(json.dumps(status), encoding="utf-8")
    ended = tutorch("attach", run)
    assert ended.exit_code == 2
    assert f"controlled only there: {proposed}`tutorch attach {run}`" in " ".join(ended.err.split())
