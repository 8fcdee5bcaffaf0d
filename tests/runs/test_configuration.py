"""tutorch.toml and TUTORCH_* variables: which lecture they apply to, and where an error is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import lecture_names
from models.fields import fields_of
from models.lecture import Hyperparameters
from tests.program import train, tutorch
from tui_app.runs.settings.configuration import configured_values, refuse_unknown
from tui_app.runs.settings.run_options import RunOptions

FIELDS = {**fields_of(Hyperparameters), **fields_of(RunOptions)}


def write(text: str) -> None:
    Path("tutorch.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "table", ["lecture_05_linear_regression", "linear-regression", "'Linear Regression'", "05"]
)
def test_a_table_has_any_name_that_the_lecture_has_on_the_command_line(table: str):
    write(f"lr = 0.5\n[{table}]\nepochs = 3\n[softmax]\nepochs = 7\n")
    assert configured_values(FIELDS, "lecture_05_linear_regression") == {"lr": 0.5, "epochs": 3}
    assert configured_values(FIELDS, "lecture_09_softmax_classifier") == {"lr": 0.5, "epochs": 7}
    assert configured_values(FIELDS, "lecture_04_back_propagation") == {"lr": 0.5}


def test_a_table_may_be_for_a_file_of_the_users_own():
    Path("net.py").write_text("", encoding="utf-8")  # not lenet, nor resnet
    write("[net]\nepochs = 3\n")
    assert configured_values(FIELDS, "net") == {"epochs": 3}
    assert configured_values(FIELDS, "lecture_11_lenet5") == {}


@pytest.mark.parametrize("net", ["my_net", "my_resnet"])  # which isn't lecture_11_resnet mistyped
def test_a_table_may_be_for_a_file_in_another_folder(net: str):
    Path("nets").mkdir()
    Path("nets", f"{net}.py").write_text("", encoding="utf-8")
    write(f"[{net}]\nepochs = 3\n")
    assert configured_values(FIELDS, net) == {"epochs": 3}
    assert configured_values(FIELDS, "lecture_11_lenet5") == {}
    refuse_unknown()  # as the app and every command do


def test_a_table_that_is_like_no_lecture_may_be_for_a_file_anywhere():
    write("[perceptron]\nepochs = 3\n")
    assert configured_values(FIELDS, "perceptron") == {"epochs": 3}
    assert tutorch("runs").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# first\n\nbatch_size = 0", "tutorch.toml, line 3: batch size: a whole number ≥ 1"),
        ("[softmax]\nlr = 1\n[05]\nlr = 'fast'", "tutorch.toml, line 4: lr: a number > 0"),
        ("'05' = {lr = 0}", "tutorch.toml, line 1: lr: a number > 0, not '0'"),
        ("\n05.lr = 0", "tutorch.toml, line 2: lr: a number > 0, not '0'"),
        ("\nlrr = 1", "tutorch.toml, line 2: no setting is called 'lrr': did you mean lr?"),
        ("[05]\nwidths = [8]", "tutorch.toml, line 2: no setting is called 'widths'"),
        ("lr = 1\n[sofmax]", "line 2: no lecture is called 'sofmax': did you mean lecture_09_soft"),
        ("[cnn]", "line 1: 'cnn' could be lecture_10_basic_cnn, lecture_10_deeper_cnn"),
        ("[05]\n[lecture_05_linear_regression]", "line 2: [lecture_05_linear_regression] and [05]"),
        ("lr = 1\noptimizer = adam", 'quote a word, as in optimizer = "adam"'),
        ("lr = 1\nlr =", "tutorch.toml, line 2: not valid TOML"),
        ("optimizer = 'adam'\nmomentum = 0.5", "line 2: momentum has no effect with optimizer"),
        ("\ndataset = 'mnist'", "line 2: lecture_05_linear_regression doesn't learn from mnist"),
        ("device = 'gpu'", "line 1: device: one of auto, cpu, cuda"),
        ("\nvalidation = 0.9", "line 2: validation: 0.9 doesn't suit 3 samples"),
    ],
)
def test_an_error_in_the_file_is_reported_with_its_line(text: str, message: str):
    write(text)
    ended = tutorch("--no-tui", "05")
    assert (ended.exit_code, ended.out) == (2, "")
    assert message in ended.err
    assert not list(Path("runs").glob("*/*/run.json"))


def test_an_error_on_the_command_line_does_not_name_the_file():
    write("momentum = 0.5\nlr = 0.1")
    message = tutorch("--no-tui", "05", "--lr", "0").err
    assert "lr: a number > 0" in message
    assert "tutorch.toml" not in message


def test_settings_of_other_lectures_are_allowed_at_the_top(monkeypatch: pytest.MonkeyPatch):
    write("widths = [8]\naugment = 'shift'")
    monkeypatch.setenv("TUTORCH_HIDDEN_SIZE", "3")
    run = train("05", "--epochs", 1)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert not {"widths", "augment", "hidden_size"} & set(record["hyperparameters"])
    for lecture in lecture_names():
        refuse_unknown(FIELDS, lecture)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "TUTORCH_EPOHCS",
            "3",
            "TUTORCH_EPOHCS: no setting has this name: did you mean TUTORCH_EP",
        ),
        ("TUTORCH_CACHE", "x", "did you mean TUTORCH_CACHE_DIR?"),
        ("TUTORCH_lr", "1", "did you mean TUTORCH_LR?"),
        ("TUTORCH_LR", "fast", "TUTORCH_LR: a number > 0, not 'fast'"),
        ("TUTORCH_DEVICE", "gpu", "TUTORCH_DEVICE: one of auto, cpu"),
        ("TUTORCH_VALIDATION", "0.9", "TUTORCH_VALIDATION: 0.9 doesn't suit 3 samples"),
    ],
)
def test_an_error_in_a_variable_names_the_variable(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)
    ended = tutorch("--no-tui", "05")
    assert (ended.exit_code, message in ended.err) == (2, True), ended.err


def test_every_command_refuses_unknown_settings(
    monkeypatch: pytest.MonkeyPatch,
):
    assert tutorch("runs").exit_code == 0
    write("run_dir = 'x'")
    assert "did you mean runs_dir?" in tutorch("runs").err
    write("")
    monkeypatch.setenv("TUTORCH_RUN_DIR", "x")
    ended = tutorch("runs")
    assert (ended.exit_code, "did you mean TUTORCH_RUNS_DIR?" in ended.err) == (2, True)
    assert tutorch("lectures").exit_code == 0  # which has none


class TestPathsWithATilde:
    """`~` is the home folder wherever a path is given; `~no-such-user` is a sentence."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        return home

    def test_it_is_expanded_in_options_files_and_variables(self, home, monkeypatch):
        assert train("05", "--epochs", 1, "--runs-dir", "~/a").is_relative_to(home / "a")
        monkeypatch.setenv("TUTORCH_RUNS_DIR", "~/b")
        assert train("05", "--epochs", 1).is_relative_to(home / "b")
        monkeypatch.delenv("TUTORCH_RUNS_DIR")
        (home / "d").mkdir()
        write("runs_dir = '~/c'\ndata_dir = '~/d'")
        run = train("05", "--epochs", 1)
        assert run.is_relative_to(home / "c")
        assert json.loads((run / "run.json").read_text())["options"]["data_dir"] == f"{home}/d"
        assert tutorch("show", f"~/c/{run.parent.name}/{run.name}").exit_code == 0
        assert tutorch("export", "last", "--out", "~/script.py").exit_code == 0
        assert (home / "script.py").is_file()
        picture = tutorch("show", "last", "--view", "fitted-line", "--svg", "~/picture.svg")
        assert picture.exit_code == 0, picture.err
        assert (home / "picture.svg").is_file()

    @pytest.mark.parametrize(
        "words",
        [
            "--no-tui ~no-such-user/x.py",
            "--model ~no-such-user/x.py:Net",
            "--no-tui softmax --dataset csv:~no-such-user/x.csv",
            "--no-tui softmax --dataset folder:~no-such-user/x",
            "show ~no-such-user/x",
        ],
    )
    def test_a_user_who_does_not_exist_is_told_as_a_missing_file(self, words):
        ended = tutorch(*words.split())
        assert ended.exit_code in (2, 3)
        assert len(ended.err.splitlines()) == 1
