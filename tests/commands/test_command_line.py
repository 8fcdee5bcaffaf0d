"""The command line: every command, its JSON, the sources of settings, a run's files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models import find_lecture, lecture_names
from tests.program import metrics_lines, train, tutorch
from tests.tolerances import FLOAT32, TRAINED
from tui_app.cli import COMMANDS

#: A run of milliseconds, with a test set and classes.
SMALL = ("softmax", "--widths", "8", "--epochs", "2")

Trained = Callable[..., Path]


def record(run: Path) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def hyperparameters(run: Path) -> dict:
    return record(run)["hyperparameters"]


def epochs(run: Path) -> list[dict]:
    return [line for line in metrics_lines(run / "metrics.jsonl") if line["kind"] == "epoch"]


# What is trained


def test_stdout_has_the_run_folder_and_stderr_the_progress():
    ended = tutorch("--no-tui", "05", "--epochs", 3)
    assert ended.exit_code == 0
    assert ended.run.is_absolute()
    assert {"run.json", "metrics.jsonl", "status.json", "log.txt", "best.pt", "last.pt"} <= {
        file.name for file in ended.run.iterdir()
    }
    for part in ("epoch 3", "at epoch 3", "tutorch resume", ended.run.name):
        assert part in ended.err


def test_without_a_lecture_it_is_the_softmax_classifier():
    assert train("--no-tui", "--max-time", "0.01").parent.name == "lecture_09_softmax_classifier"


def test_quiet_prints_only_the_run_folder():
    ended = tutorch("--no-tui", "04", "--epochs", 2, "--quiet")
    assert ended.err == ""
    assert ended.run.is_dir()


def test_json_is_the_event_stream_and_nothing_else():
    ended = tutorch("--no-tui", *SMALL, "--json")
    assert ended.err == ""
    kinds = [event["kind"] for event in ended.events]
    assert kinds[0] == "started"
    assert kinds[-1] == "completed"
    assert kinds.count("epoch") == 2
    last_epoch = [event for event in ended.events if event["kind"] == "epoch"][-1]
    assert 0 <= last_epoch["test_accuracy"] <= 1
    assert ended.events[-1]["exit_code"] == 0
    assert len({event["run"] for event in ended.events}) == 1


def test_a_part_of_a_name_selects_a_lecture_and_an_ambiguous_one_lists_candidates():
    assert find_lecture("lenet").stem == "lecture_11_lenet5"  # begins a word: not googlenet
    assert train("back-prop", "--epochs", 1).parent.name.startswith("lecture_04")
    ended = tutorch("--no-tui", "cnn")
    assert ended.exit_code == 2
    for name in (name for name in lecture_names() if "cnn" in name):
        assert name in ended.err


@pytest.mark.parametrize(
    ("number", "stem"),
    [
        ("5", "lecture_05_linear_regression"),
        ("08", "lecture_08_dataset_and_dataloader"),
        ("9", "lecture_09_softmax_classifier"),
        ("10", "lecture_10_basic_cnn"),
        ("11", "lecture_11_googlenet"),
    ],
)
def test_a_bare_number_is_the_main_lecture_of_that_number(number: str, stem: str):
    assert find_lecture(number).stem == stem


def test_options_may_come_before_the_lecture_and_flags_need_no_value():
    run = train("--epochs", 1, "--quiet", "--shuffle", "05")
    assert hyperparameters(run)["shuffle"] is True
    assert hyperparameters(train("softmax", "--widths=8", "--no-shuffle", "--epochs=1"))[
        "shuffle"
    ] is (False)


def test_help_shows_the_defaults_of_the_data_set_that_is_learned_from():
    ended = tutorch("softmax", "--help")
    assert ended.exit_code == 0
    for flag in ("--widths", "--lr", "--dataset", "--device", "--sweep", "512,256,128,64"):
        assert flag in ended.out
    one_line = " ".join(ended.out.replace("│", " ").split())
    assert "passes through the train set. (default: 20)" in one_line


def test_a_users_lecture_is_trained_by_its_path(tmp_path: Path):
    file = tmp_path / "my_net.py"
    file.write_text(
        '"""Mine."""\nfrom torch import nn\nfrom models.lecture import Lecture\n\n'
        "def build(spec, hyperparameters):\n    return nn.Linear(*spec.input_shape, 1)\n\n"
        'LECTURE = Lecture(title="Mine", title_zh="我的", datasets=("noisy-line",),\n'
        "    model=build, criterion=nn.MSELoss)\n",
        encoding="utf-8",
    )
    run = train(file, "--epochs", 2, "--lr", "0.001")
    assert run.parent.name == "my_net"
    assert tutorch("evaluate", run, "--json").json["test_loss"] == pytest.approx(
        epochs(run)[-1]["test_loss"], rel=FLOAT32
    )
    assert tutorch("resume", "last", "--epochs", 3, "--no-tui").exit_code == 0


# Where settings come from


def test_a_flag_precedes_the_variable_the_file_and_the_lecture(
    monkeypatch: pytest.MonkeyPatch,
):
    Path("tutorch.toml").write_text(
        'lr = 0.02\nepochs = 4\noptimizer = "adam"\n\n[lecture_05_linear_regression]\nepochs = 3\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("TUTORCH_LR", "0.03")
    configured = hyperparameters(train("05"))
    assert (configured["optimizer"], configured["epochs"], configured["lr"]) == ("adam", 3, 0.03)
    assert configured["batch_size"] == "full"
    assert hyperparameters(train("05", "--lr", "0.04", "--epochs", "2"))["lr"] == 0.04


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lrr = 1", "did you mean lr"),
        ("lr = 'fast'", "lr: a number > 0"),
        ("lr = nan", "lr: a number > 0"),
        ("[lecture_05_linear_regresion]", "did you mean lecture_05_linear_regression"),
        ("lr = = 1", "tutorch.toml, line 1, column 6: not valid TOML"),
        ("lr = " + "[" * 5000, "tutorch.toml"),
    ],
)
def test_an_error_in_the_file_is_reported_with_its_line(text: str, message: str):
    Path("tutorch.toml").write_text(text, encoding="utf-8")
    ended = tutorch("--no-tui", "05")
    assert (ended.exit_code, message in ended.err) == (2, True), ended.err
    assert not Path("runs").exists()


def test_an_error_in_a_variable_is_reported_with_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUTORCH_EPOCHS", "many")
    ended = tutorch("--no-tui", "05")
    assert ended.exit_code == 2
    assert "TUTORCH_EPOCHS: a whole number ≥ 1, not 'many'" in ended.err


# How long, on what, and what is kept


def test_validation_leaves_the_test_set_alone_until_the_end():
    ended = tutorch("--no-tui", *SMALL, "--validation", "0.1", "--json")
    events = ended.events
    started, completed = events[0], events[-1]
    assert started["validation_size"] == pytest.approx(
        0.1 * (started["train_size"] + started["validation_size"]),
        abs=1,  # of a sample
    )
    assert completed["metric"] == "validation_accuracy"
    for event in events:
        names = {name for name in event if name.startswith("test_")} - {"test_size"}
        assert names == ({"test_loss", "test_accuracy"} if event is completed else set())
    measured = tutorch("evaluate", "last", "--json").json
    assert measured["test_accuracy"] == completed["test_accuracy"]


def test_the_time_limit_saves_and_stops_and_the_run_can_be_resumed():
    ended = tutorch("--no-tui", "05", "--epochs", 10**9, "--max-time", "0.01")
    assert ended.exit_code == 0
    assert "time limit" in ended.err
    assert tutorch("runs", "--json").json[0]["state"] == "stopped"
    done = max((line["epoch"] for line in epochs(ended.run)), default=0)  # 0 on a busy machine
    assert tutorch("resume", "last", "--epochs", done + 2, "--no-tui").exit_code == 0
    assert epochs(ended.run)[-1]["epoch"] == done + 2


def test_early_stopping_ends_a_run_that_does_not_improve():
    run = train(*SMALL[:3], "--epochs", 50, "--lr", "1e-9", "--early-stopping", 2)
    assert len(epochs(run)) == 3
    assert tutorch("runs", "--json").json[0]["state"] == "completed"


def test_the_best_models_are_kept_in_their_order():
    run = train(*SMALL[:3], "--epochs", 4, "--keep-best", 2)
    assert {file.name for file in run.glob("best*.pt")} == {"best.pt", "best-2.pt"}
    accuracies = sorted((line["test_accuracy"] for line in epochs(run)), reverse=True)
    assert tutorch("runs", "--json").json[0]["best_value"] == accuracies[0]
    (run / "best-2.pt").replace(run / "best.pt")
    assert tutorch("evaluate", run, "--json").json["test_accuracy"] == accuracies[1]


def test_evaluation_happens_every_n_epochs_and_at_the_end():
    run = train(*SMALL[:3], "--epochs", 5, "--eval-every", 2)
    assert ["test_loss" in line for line in epochs(run)] == [False, True, False, True, True]


def test_divergence_fails_and_keeps_the_best_model():
    ended = tutorch("--no-tui", "03", "--lr", "0.3", "--json")
    completed = ended.events[-1]
    assert (ended.exit_code, completed["state"]) == (1, "failed")
    assert "learning rate" in completed["reason"]
    (run,) = Path("runs").glob("*/*")
    weights = torch.load(run / "best.pt", weights_only=True)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


# Sweeps


def test_a_sweep_trains_every_combination_with_one_seed_and_ends_in_a_table():
    ended = tutorch(
        "--no-tui",
        "05",
        "--epochs",
        20,
        "--sweep",
        "lr=0.001,0.01",
        "--sweep",
        "optimizer=sgd,adam",
    )
    assert ended.exit_code == 0
    runs = list(Path("runs").glob("*/*"))
    combinations = {(hyperparameters(r)["lr"], hyperparameters(r)["optimizer"]) for r in runs}
    assert combinations == {(lr, o) for lr in (0.001, 0.01) for o in ("sgd", "adam")}
    assert {hyperparameters(run)["seed"] for run in runs} == {0}
    head, *table = [line.split() for line in ended.out.splitlines() if "/" not in line]
    assert head[:4] == ["id", "optimizer", "lr", "best"]
    assert len(table) == 4
    assert table[0][1:3] == ["sgd", "0.01"]  # the best comes first
    assert {row[0] for row in table} == {run.name[-4:] for run in runs}


def test_a_sweep_over_a_tuple_and_over_data_sets():
    ended = tutorch("--no-tui", *SMALL, "--sweep", "widths=8;4,4", "--json")
    assert [e["parameters"] for e in ended.events if e["kind"] == "started"] == [6370, 3210]
    ended = tutorch("--no-tui", "05", "--epochs", 1, "--sweep", "dataset=study-hours,noisy-line")
    assert ended.exit_code == 0


def test_nothing_of_a_sweep_is_trained_when_one_of_its_values_is_wrong():
    for sweep in ("lr=0.1,0", "speed=1,2", "lr", "momentum=0.5,1", "dataset=study-hours,mnist"):
        assert tutorch("--no-tui", "05", "--sweep", sweep).exit_code == 2
    assert not Path("runs").exists()


# Commands about runs


@pytest.mark.parametrize("command", [c for c in COMMANDS if c in ("lectures", "data", "doctor")])
def test_a_list_is_a_table_or_one_json_document(command: str):
    text, document = tutorch(command), tutorch(command, "--json")
    problems = document.json["problems"] if command == "doctor" else []  # of this very machine
    assert (text.exit_code, document.exit_code) == (bool(problems), bool(problems))
    assert document.json
    assert len(text.out.splitlines()) >= len(document.json)


def test_lectures_are_listed_in_the_courses_order():
    listed = tutorch("lectures", "--json").json
    assert [lecture["name"] for lecture in listed] == list(lecture_names())
    assert "多分类问题" in tutorch("lectures").out


def test_data_lists_what_is_bundled_and_what_to_fetch():
    states = {dataset["name"]: dataset["state"] for dataset in tutorch("data", "--json").json}
    assert states["digits"] == "bundled"
    assert states["mnist"].startswith("to fetch")
    assert tutorch("data", "verify", "--json").exit_code == 0


def test_doctor_names_versions_and_devices():
    findings = tutorch("doctor", "--json").json
    assert findings["versions"]["torch"] == torch.__version__
    assert "cpu" in findings["devices"]
    assert findings["cores"] >= 1


def test_runs_are_listed_and_one_is_shown(trained: Trained):
    run = trained(*SMALL)
    (listed,) = tutorch("runs", "--json").json
    assert (listed["state"], listed["epoch"], listed["dataset"]) == ("completed", 2, "digits")
    assert run.name.endswith(listed["id"])
    assert listed["id"] in tutorch("runs").out
    shown = tutorch("show", "last", "--json").json
    assert len(shown["epoch_values"]) == 2
    assert shown["record"]["hyperparameters"]["widths"] == [8]
    text = tutorch("show", run.name).out
    for part in ("completed", "digits", "the test set, as the course does it", str(run)):
        assert part in text.replace("\n", "")


def test_a_run_is_found_by_its_path_by_a_part_of_its_name_and_as_the_last(trained: Trained):
    run = trained(*SMALL)
    run = run.rename(run.with_name("20240101-120000-abcd"))
    for text in (run, run.name, run.name[-4:], "softmax", "last", run.relative_to(Path.cwd())):
        assert tutorch("show", text, "--json").json["path"] == str(run)
    train("04", "--epochs", "1")
    assert "lecture_04" in tutorch("show", "last", "--json").json["name"]
    ambiguous = tutorch("show", "lecture")
    assert (ambiguous.exit_code, run.name in ambiguous.err) == (2, True)
    unknown = tutorch("show", "nonesuch")
    assert unknown.exit_code == 2


def test_a_regression_predicts_the_number_of_an_input(trained: Trained):
    trained("05", "--optimizer", "lbfgs", "--epochs", "100")
    assert tutorch("predict", "last", "4").out.strip() == "8"
    answer = tutorch("predict", "last", "4", "--json").json
    assert answer["prediction"] == pytest.approx(8, rel=TRAINED)
    assert tutorch("predict", "last", "four").exit_code == 2
    assert tutorch("predict", "last", "-1", "--json").json["prediction"] == pytest.approx(
        -2, rel=TRAINED
    )


def test_classes_are_predicted_with_their_probabilities(trained: Trained):
    trained("06", "--epochs", "300")
    answer = tutorch("predict", "last", "4", "--json").json
    assert math.fsum(answer["probabilities"].values()) == pytest.approx(1, rel=FLOAT32)
    assert answer["prediction"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert answer["prediction"] in tutorch("predict", "last", "4").out


def test_evaluation_measures_what_training_measured_and_checks_requirements(trained: Trained):
    run = trained(*SMALL)
    best = max(line["test_accuracy"] for line in epochs(run))
    assert tutorch("evaluate", "last", "--json").json["test_accuracy"] == best
    met = tutorch("evaluate", "last", "--require", f"test_accuracy>={best}")
    assert (met.exit_code, met.err) == (0, "")
    missed = tutorch(
        "evaluate", "last", "--require", "test_loss<100", "--require", f"test_accuracy > {best}"
    )
    assert missed.exit_code == 1
    assert "test_accuracy" in missed.err
    assert "test_loss" not in missed.err
    for unclear in ("test_accuracy=1", "test_accuracy>=good", "speed>=1", "test_loss<1e", ">1"):
        assert tutorch("evaluate", "last", "--require", unclear).exit_code == 2


def test_resuming_a_finished_run_needs_more_epochs(trained: Trained):
    run = trained(*SMALL)
    finished = tutorch("resume", "last", "--no-tui")
    assert finished.exit_code == 2
    assert "--epochs" in finished.err
    ended = tutorch("resume", "last", "--epochs", 3, "--no-tui", "--json")
    assert ended.exit_code == 0
    assert (ended.events[0]["epoch"], ended.events[-1]["epoch"]) == (2, 3)
    assert [line["epoch"] for line in epochs(run)] == [1, 2, 3]
    assert hyperparameters(run)["epochs"] == 3


def test_every_command_has_a_help():
    for command in COMMANDS:
        ended = tutorch(command, "--help")
        assert ended.exit_code == 0
        assert f"tutorch {command}" in ended.out
    overview = tutorch("--help").out
    assert all(command in overview for command in COMMANDS)
    assert tutorch("--version").out.startswith("tutorch ")
