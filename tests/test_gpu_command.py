"""`python -m tests.gpu` writes a row as soon as it is found, whatever becomes of the check."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from tests.gpu.agreement import largest_difference
from tests.gpu.catalogue import CHECKS
from tests.gpu.check import Check
from tests.gpu.kernels import Kernels
from tests.gpu.rows import read_rows, table_of
from tests.gpu.runner import Report, Runner, end
from tests.pretend_cuda.build import Unavailable, build
from tests.pretend_cuda.child import environment as pretend_environment
from tests.pretend_cuda.child import run_python
from tests.program import LONGEST, ROOT, environment

#: Checks: a module of its own, so that their processes import neither pytest nor torch.
CODE = """
import os, signal, threading
from tests.gpu.check import Row

def measures(context):
    yield Row("a time", "0.1 s | 2 s", figures={"time": 0.1})

def writes(context):
    (context.scratch / "note").write_text("a note")
    yield Row("where", str(context.scratch), "n/a")

def raises(context):
    yield Row("first", "done")
    raise ValueError("no such card\\nand more")

def dies(context):
    yield Row("first", "done")
    os.kill(os.getpid(), signal.SIGKILL)

def hangs(context):
    threading.Event().wait()
    yield Row("never", "done")
"""


@pytest.fixture(autouse=True)
def _checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_checks.py").write_text(CODE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


#: Checks that need neither MNIST nor time on a GPU.
REHEARSED = ("machine", "lectures", "optimizers", "resume", "many runs", "small")


def check(name: str, seconds: float = LONGEST, needs: tuple[str, ...] = ()) -> Check:
    return Check(name, f"It {name}", f"sample_checks:{name}", int(seconds), needs)


def run(folder: Path, *checks: Check, seconds: float = 10 * LONGEST) -> tuple[bool, Report]:
    report = Report(folder / "out")
    return Runner(report, folder, seconds).run(checks), report


def test_rows_are_written_and_what_a_check_leaves_is_removed(tmp_path: Path) -> None:
    is_ok, report = run(tmp_path, check("measures"), check("writes"))
    assert is_ok
    measured, written = read_rows(report.rows)
    assert (measured["result"], measured["figures"]) == ("0.1 s | 2 s", {"time": 0.1})
    assert not Path(written["result"]).exists()
    table = report.table.read_text()
    assert "| measures | a time | 0.1 s \\| 2 s | ok |" in table
    assert "2 rows" in table


def test_the_others_go_on_after_a_check_that_fails_or_dies(tmp_path: Path) -> None:
    is_ok, report = run(tmp_path, check("raises"), check("dies"), check("measures"))
    assert not is_ok
    results = [(row["check"], row["result"], row["verdict"]) for row in read_rows(report.rows)]
    assert results == [
        ("raises", "done", "ok"),
        ("raises", "ValueError: no such card", "failed"),
        ("dies", "done", "ok"),
        ("dies", "died of SIGKILL; see log.txt", "failed"),
        ("measures", "0.1 s | 2 s", "ok"),
    ]
    assert "and more" in report.log.read_text()


def test_a_check_that_hangs_is_ended_at_its_limit(tmp_path: Path) -> None:
    _, report = run(tmp_path, check("hangs", seconds=1), check("measures"))
    hung, measured = read_rows(report.rows)
    assert (hung["result"], hung["verdict"]) == ("not done after 1 s; see log.txt", "failed")
    assert measured["verdict"] == "ok"


def test_what_has_no_time_left_or_lacks_a_package_says_so(tmp_path: Path) -> None:
    is_ok, report = run(tmp_path, check("measures", needs=("no_such_package",)))
    (row,) = read_rows(report.rows)
    assert is_ok
    assert (row["result"], row["verdict"]) == ("needs no_such_package: not installed", "n/a")
    is_ok, report = run(tmp_path, check("measures"), seconds=0)
    (row,) = read_rows(report.rows)
    assert not is_ok
    assert row["result"] == "no time was left"


def test_a_check_is_ended_with_the_programs_that_it_started() -> None:
    waits = "import threading; threading.Event().wait()"
    code = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", {waits!r}]).pid, flush=True)
{waits}"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    program = psutil.Process(int(child.stdout.readline()))
    end(child, grace=0.1)
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    program.wait(LONGEST)


def test_a_line_cut_off_is_no_row(tmp_path: Path) -> None:
    _, report = run(tmp_path, check("measures"))
    with report.rows.open("a") as file:
        file.write('{"check": "mea')
    assert len(read_rows(report.rows)) == 1


def test_the_table_names_a_check_once() -> None:
    row = {"check": "speed", "what": "a", "result": "1\n2", "verdict": "ok"}
    assert table_of([row, row]).splitlines()[2:] == [
        "| speed | a | 1 2 | ok |",
        "|  | a | 1 2 | ok |",
    ]


def test_a_gpu_is_busy_while_any_kernel_runs() -> None:
    kernels = Kernels([(0.0, 2.0), (1.0, 3.0), (1.5, 2.5), (5.0, 6.0)])
    assert (kernels.busy, kernels.span, kernels.gaps) == (4.0, 6.0, [0.0, 0.0, 2.0])


def test_what_is_no_number_differs_from_every_number() -> None:
    nan = torch.tensor([1.0, math.nan])
    assert largest_difference(nan, torch.tensor([1.0, 1.0])) == math.inf
    assert largest_difference(torch.tensor([200.0, 0.5]), torch.tensor([100.0, 0.0])) == 1.0


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_can_be_found(check: Check) -> None:
    assert callable(check.function)


@pytest.mark.slow
def test_what_needs_no_mnist_runs_over_the_pretend_cuda(tmp_path: Path) -> None:
    try:
        library = build()
    except Unavailable as reason:
        pytest.skip(str(reason))
    names = [check.name for check in CHECKS if check.name in REHEARSED]
    assert len(names) == len(REHEARSED)
    exit_code, printed = run_python(
        [
            *("-m", "tests.gpu", "--rehearse", "--only", *names, "--minutes", "60"),
            *("--slowness", "20", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")),
        ],
        pretend_environment(library),
        cwd=ROOT,
        timeout=5 * LONGEST,
    )
    assert exit_code == 0, printed
    assert {row["check"] for row in read_rows(tmp_path / "out" / "rows.jsonl")} == {*names}


def test_without_cuda_it_ends_with_a_sentence(tmp_path: Path) -> None:
    words = ["--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu", *words],
        env=environment(CUDA_VISIBLE_DEVICES=""),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith("tests.gpu needs a CUDA device")
    assert not (tmp_path / "out").exists()
