"""Bad input leads to a message and a documented exit code, and runs no untrusted code."""

from __future__ import annotations

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import find_lecture, lecture_names
from tests.program import tutorch
from tui_app.cli import COMMANDS
from tui_app.runs.files import durable_files
from tui_app.runs.run_folder import RunFolder

Trained = Callable[..., Path]

#: Control codes: a colour, a title, a cleared screen.
ESCAPES = "\x1b[31m\x1b]0;title\x07\x1b[2J"


def refused(*argv: object, exit_code: int = 2) -> str:
    """Return the message that refuses `argv`; check that nothing is written."""
    before = sorted(Path.cwd().rglob("*"))
    ended = tutorch(*argv)
    assert ended.exit_code == exit_code, ended.err
    assert ended.out == ""
    assert sorted(Path.cwd().rglob("*")) == before
    return ended.err


# On the command line


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("sofmax", "did you mean lecture_09_softmax_classifier"),
        ("99", "`tutorch lectures`"),
        ("nowhere/net.py", "no file nowhere/net.py"),
        ("05 06", "06"),
        ("05 --learning-rate 1", "no option '--learning-rate'"),
        ("05 --momentun 0.5", "--momentum"),
        ("05 --epochs", "--epochs"),
        ("05 --optimizer adan", "did you mean adam?"),
        ("05 --epochs 0", "epochs: a whole number ≥ 1, not '0'"),
        ("05 --epochs -1", "≥ 1, not '-1'"),
        ("05 --epochs 1e3", "a whole number"),
        ("05 --batch-size 0", "batch size: a whole number ≥ 1, or full, not '0'"),
        ("05 --lr nan", "lr: a number > 0, not 'nan'"),
        ("05 --lr=-inf", "lr: a number > 0"),
        ("05 --shuffle=maybe", "true or false"),
        ("05 --optimizer adam --momentum 0.5", "momentum has no effect with optimizer adam"),
        ("02 --lr 0.1", "no option '--lr'"),
        ("05 --seed 9223372036854775808", "seed: a whole number ≥ 0"),
        ("05 --epochs " + "9" * 5000, "epochs: a whole number"),
        ("05 --dataset digits", "it takes study-hours, noisy-line"),
        ("05 --dataset noisy-lin", "noisy-line"),
        ("05 --validation 1", "validation: a number ≥ 0 and < 1"),
        ("05 --validation 0.9", "3 samples"),
        ("05 --device gpu", "auto, cpu, cuda"),
        ("05 --devices 0", "devices: a whole number ≥ 1"),
        ("05 --devices 2 --device cuda:1", "2 devices need device auto, cuda or cpu, not cuda:1"),
        ("05 --devices 2 --device mps", "not mps, which is one device"),
        ("05 --threads 0", "threads: a whole number ≥ 1 and ≤ 1024, or auto"),
        ("05 --sweep lr", "FIELD=V1,V2"),
        ("10_basic --kernel-size 14", "kernel size 14 is too large"),
    ],
)
def test_an_invalid_setting_is_refused_before_anything_is_written(argv: str, message: str):
    assert message in refused("--no-tui", *argv.split())


@pytest.mark.parametrize(
    "argv",
    [
        "show",
        "predict last",
        "runs extra",
        "data fatch",
        "data fetch",
        "data fetch mnits",
        "resume last --epochs 0",
        "resume last --epochs x",
        "evaluate last --require",
        "show ''",
    ],
)
def test_an_invalid_command_is_refused(argv: str):
    refused(*argv.split())


def test_a_model_too_large_for_memory_is_reported():
    assert "can't build" in refused("--no-tui", "softmax", "--widths", 10**15, exit_code=1)


def test_a_missing_device_has_its_own_exit_code():
    assert "cuda:7" in refused("--no-tui", "05", "--device", "cuda:7", exit_code=4)


def test_unavailable_data_propose_a_manual_download_and_the_bundled_set(tmp_path: Path):
    ended = tutorch("--no-tui", "softmax", "--dataset", "mnist")
    assert ended.exit_code == 3
    assert str(tmp_path / "cache") in ended.err
    assert "by hand" in ended.err
    assert "--dataset digits" in ended.err
    assert not Path("runs").exists()
    assert refused("--no-tui", "softmax", "--data-dir", "nowhere", exit_code=3)


@pytest.mark.parametrize("place", ["a-file", "a-file/below"])
def test_an_unwritable_runs_folder_is_reported_before_training(tmp_path: Path, place: str):
    (tmp_path / "a-file").write_text("in the way")
    message = refused("--no-tui", "05", "--epochs", 10**9, "--runs-dir", place)
    assert "--runs-dir" in message


def test_control_codes_and_markup_in_names_reach_no_terminal(tmp_path: Path, trained: Trained):
    """`tutorch` of tests.program checks everything that is written."""
    for text in (ESCAPES, "[bold red]x[/]", "\u202egnp", "\ud800"):
        for argv in (["--no-tui", text], ["show", text], ["data", "fetch", text]):
            refused(*argv)
        refused("--no-tui", "05", f"--{text}")
        refused("--no-tui", "05", "--optimizer", text)
        refused("lectures", text)
        refused("runs", "--runs-dir", text, "--x")
    lecture = tmp_path / f"net{ESCAPES}[red].py"
    lecture.write_text(find_lecture("05").read_text(encoding="utf-8"), encoding="utf-8")
    assert "a name without control codes" in refused("--no-tui", lecture)
    run = trained("04", "--epochs", "2")
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    (run / "status.json").write_text(json.dumps({**status, "reason": ESCAPES, "state": ESCAPES}))
    for command in ("runs", "show", "evaluate"):
        tutorch(command, *(["04"] if command != "runs" else []))
    assert tutorch("show", "04", "--json").json["reason"] == ESCAPES


@pytest.mark.parametrize("text", ["", "LECTURE = 3", "import nonesuch", "def", "1 / 0", "\x00"])
def test_a_file_that_is_no_lecture_is_named(tmp_path: Path, text: str):
    file = tmp_path / "not_one.py"
    file.write_text(text)
    assert "not_one.py" in refused("--no-tui", file, exit_code=1)


@pytest.mark.parametrize("model", ["nn.Linear(7, 1)", "1 / 0", "undefined", "None"])
def test_a_model_that_does_not_fit_its_data_is_reported(tmp_path: Path, model: str):
    file = tmp_path / "wrong.py"
    file.write_text(
        "from torch import nn\nfrom models.lecture import Lecture\n"
        'LECTURE = Lecture(title="Wrong", title_zh="错", datasets=("study-hours",),\n'
        f"    model=lambda spec, hyperparameters: {model}, criterion=nn.MSELoss)\n",
        encoding="utf-8",
    )
    refused("--no-tui", file, exit_code=1)


def test_names_too_long_for_a_file_are_reported():
    name = "x" * 5000
    for argv in (
        ["--no-tui", f"./{name}.py"],
        ["--no-tui", "softmax", "--data-dir", name],
        ["--no-tui", "05", "--runs-dir", name],
        ["show", name],
        ["runs", "--runs-dir", name],
    ):
        ended = tutorch(*argv)
        assert ended.err.strip().startswith("tutorch: ")
        assert not Path("runs").exists()


def test_a_full_disk_ends_training_with_a_sentence(monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable_files.os, "fsync", full)
    ended = tutorch("--no-tui", "05", "--epochs", 2)
    assert ended.exit_code == 1
    assert os.strerror(errno.ENOSPC) in ended.err


# In a run folder

#: Values of the wrong type.
ABSURD: list[Any] = [None, True, -1, 10**30, 1e308, float("nan"), float("inf"), "", "x" * 10**5]
ABSURD += [[], {}, [[]], {"epochs": "many"}, "../../etc", ESCAPES]


def every_command_copes(run: Path, *, exit_codes: tuple[int, ...] = (0, 1, 2)) -> None:
    for argv in (
        ["runs"],
        ["runs", "--json"],
        ["show", run],
        ["show", run, "--json"],
        ["evaluate", run],
        ["resume", run, "--epochs", 3, "--no-tui"],
    ):
        ended = tutorch(*argv)
        assert ended.exit_code in exit_codes, (argv, ended.err)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"{}",
        b"[" * 100_000,
        b'"' + b"x" * 10**7 + b'"',
        b'{"schema_version": 1}',
        b'{"schema_version": 99}',
        b'{"schema_version": ' + b"[" * 9999,
    ],
)
@pytest.mark.parametrize("name", ["run.json", "status.json"])
def test_a_damaged_record_is_named(trained: Trained, name: str, content: bytes):
    run = trained("04", "--epochs", "2")
    (run / name).write_bytes(content)
    every_command_copes(run)
    if name == "run.json":
        ended = tutorch("show", run)
        assert (ended.exit_code, str(run / name) in ended.err) == (1, True), ended.err


@pytest.mark.parametrize("name", ["run.json", "status.json"])
def test_a_record_with_absurd_values_breaks_no_command(trained: Trained, name: str):
    run = trained("04", "--epochs", "2")
    values = json.loads((run / name).read_text(encoding="utf-8"))
    places = [(values, key) for key in values]
    places += [
        (inner, key) for inner in values.values() if isinstance(inner, dict) for key in inner
    ]
    for number, (place, key) in enumerate(places):
        kept = place[key]
        for absurd in (ABSURD[(3 * number + i) % len(ABSURD)] for i in range(3)):
            place[key] = absurd
            (run / name).write_text(json.dumps(values), encoding="utf-8")
            for argv in (["runs"], ["show", run], ["evaluate", run]):
                assert tutorch(*argv).exit_code in (0, 1, 2, 3), (key, absurd)
        place[key] = kept


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"kind": 3}',
        '{"kind": "epoch"}',
        '{"kind": "epoch", "epoch": "x", "lr": "x"}',
        '{"kind": "steps"}',
        '{"kind": "epoch", "seconds": [], "train_loss": {}}',
        "[" * 100_000,
        '{"kind": "epoch", "epoch": 1e999, "train_loss": "x", "lr": NaN}',
        "\x00\x1b[2J",
        "9" * 9999,
    ],
)
def test_a_damaged_line_of_metrics_is_skipped(trained: Trained, line: str):
    run = trained("04", "--epochs", "2")
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    every_command_copes(run)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", bytes(range(256)) * 40, None])
@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_a_damaged_checkpoint_is_named(trained: Trained, name: str, content: bytes | None):
    run = trained("04", "--epochs", "2")
    whole = (run / name).read_bytes()
    (run / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    command = {
        "best.pt": ["evaluate", run],
        "last.pt": ["resume", run, "--epochs", 3, "--no-tui"],
    }[name]
    (run / "previous.pt").unlink(missing_ok=True)
    ended = tutorch(*command)
    assert ended.exit_code == 1
    assert str(run / name) in ended.err
    (run / name).unlink()
    assert f"{name} is missing" in tutorch(*command).err


def test_a_run_resumes_from_the_checkpoint_before_a_damaged_one(trained: Trained):
    run = trained("04", "--epochs", "2")
    (run / "last.pt").write_bytes(b"")
    ended = tutorch("resume", run, "--epochs", 3, "--no-tui")
    assert ended.exit_code == 0
    assert "last.pt" in ended.err
    assert [line["epoch"] for line in tutorch("show", run, "--json").json["epoch_values"]] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    "content", [[], {}, 3, {"model": 1}, {"w": torch.zeros(5, 2)}, torch.ones(1)]
)
@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_a_checkpoint_of_something_else_is_named(trained: Trained, name: str, content: object):
    run = trained("04", "--epochs", "2")
    (run / "previous.pt").unlink()
    torch.save(content, run / name)
    command = ["evaluate", run] if name == "best.pt" else ["resume", run, "--epochs", 3, "--no-tui"]
    ended = tutorch(*command)
    assert ended.exit_code == 1
    assert str(run / name) in ended.err


@pytest.mark.parametrize(
    "missing", ["model", "optimizer", "best", "rng", "schedule", "so_far", "lr"]
)
def test_a_checkpoint_that_lacks_something_is_named(trained: Trained, missing: str):
    run = trained("04", "--epochs", "2")
    (run / "previous.pt").unlink()
    state = torch.load(run / "last.pt", weights_only=True)
    for wrong in ({k: v for k, v in state.items() if k != missing}, {**state, missing: "x"}):
        torch.save(wrong, run / "last.pt")
        ended = tutorch("resume", run, "--epochs", 3, "--no-tui")
        assert (ended.exit_code, str(run / "last.pt") in ended.err) == (1, True), ended.err


class Payload:
    """An object whose unpickling calls a function that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_foreign_code_in_a_checkpoint_is_never_run(trained: Trained, tmp_path: Path, name: str):
    run = trained("04", "--epochs", "2")
    trace = tmp_path / "executed"
    pickle.loads(pickle.dumps(Payload(trace)))
    assert trace.exists(), "the payload is a real one"
    trace.unlink()
    (run / "previous.pt").unlink(missing_ok=True)
    for save in (torch.save, lambda payload, path: path.write_bytes(pickle.dumps(payload))):
        save({"w": Payload(trace)}, run / name)
        for argv in (
            ["evaluate", run],
            ["predict", run, "4"],
            ["resume", run, "--epochs", 3, "--no-tui"],
        ):
            ended = tutorch(*argv)
            if (name == "last.pt") == (argv[0] == "resume"):
                assert ended.exit_code == 1
                assert str(run / name) in ended.err
        assert not trace.exists()


def test_foreign_code_in_the_checkpoint_before_the_last_is_never_run(
    trained: Trained, tmp_path: Path
):
    run = trained("04", "--epochs", "2")
    trace = tmp_path / "executed"
    for save in (torch.save, lambda payload, path: path.write_bytes(pickle.dumps(payload))):
        (run / "last.pt").write_bytes(b"cut off")  # so that the one before it is looked at
        save({"model": Payload(trace)}, run / "previous.pt")
        ended = tutorch("resume", run, "--epochs", 3, "--no-tui")
        assert ended.exit_code == 1
        assert str(run / "previous.pt") in ended.err
        assert not trace.exists()


def test_a_run_that_another_program_trains_is_left_alone(trained: Trained):
    run = trained("04", "--epochs", "2")
    before = (run / "metrics.jsonl").read_bytes()
    lock = RunFolder(run).lock()
    try:
        ended = tutorch("resume", run, "--epochs", 3, "--no-tui")
    finally:
        lock.release()
    assert ended.exit_code == 5
    assert str(run) in ended.err
    assert (run / "metrics.jsonl").read_bytes() == before


# Anything at all

_HEADS = [[command] for command in COMMANDS] + [["predict", "last"], ["evaluate", "last"], []]
_HEADS += [["--no-tui", name] for name in ("04", "05", "06", *lecture_names()[:2], "softmax")]
_WORDS = ["--json", "--quiet", "--help", "-h", "--", "-", "last", "4", "list", "fetch", "mnist"]
_WORDS += ["--sweep", "lr=0.1,0.2", "--require", "test_loss>0", "--runs-dir", "--keep-best", "06"]
_WORDS += ["--epochs", "--lr", "--optimizer", "--dataset", "--device", "--validation", "--widths"]
_WORDS += ["0", "1", "0.5", "1e-3", "nan", "adam", "cpu", "noisy-line", "--form", "quadratic"]
_WORDS += ["--shuffle", "--no-shuffle", "--no-tui", "--sweep", "form=linear,quadratic", "auto"]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    head=st.sampled_from(_HEADS),
    rest=st.lists(
        st.one_of(
            st.sampled_from(_WORDS),
            st.text(st.characters(exclude_characters="\x00"), max_size=5),
        ),
        max_size=4,
    ),
)
def test_no_command_line_breaks_it(
    head: list[str], rest: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TUTORCH_MAX_TIME", "0.01")
    monkeypatch.setenv("TUTORCH_EPOCHS", "3")
    tutorch(*head, *rest)


@pytest.mark.parametrize("argv", [(), ("--no-tui", "05"), ("resume", "last", "--no-tui")])
def test_processes_that_no_torchrun_numbered_are_refused(argv, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr("tui_app.commands.train.can_show_app", lambda: not argv)
    ended = tutorch(*argv)
    assert ended.exit_code == 2
    assert "WORLD_SIZE is 4" in ended.err
    assert not Path("runs").exists()
    assert tutorch("runs").exit_code == 0
    monkeypatch.setenv("WORLD_SIZE", "1")  # torchrun with one process
    assert tutorch("--no-tui", "05", "--epochs", "2").exit_code == 0


def test_a_run_that_diverges_before_an_evaluation_reports_no_best_model():
    ended = tutorch("--no-tui", "05", "--lr", "1e9", "--epochs", "100", "--eval-every", "100")
    assert ended.exit_code == 1
    assert not list(Path("runs").glob("*/*/best.pt"))
    assert "There is no best model: none was evaluated before that" in ended.err
    assert "kept" not in ended.err
