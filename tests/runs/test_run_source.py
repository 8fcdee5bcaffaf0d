"""A run keeps a copy of its source, and is opened and resumed with that copy."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import find_lecture, read_lesson
from tests.program import train, tutorch
from tests.tolerances import FLOAT32
from tui_app.app.run_summaries import best_by_lecture, lecture_of
from tui_app.app.screens.compare import label_of
from tui_app.app.widgets.score_table import relative_result
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs import run_source
from tui_app.runs.environment import commit
from tui_app.runs.events import BestImproved
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import RunTable

NET = '''"""Mine."""
from torch import nn
from models.lecture import Hyperparameters, Lecture
from parts.head import Head

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU())
        self.head = Head(8, spec.outputs)

    def forward(self, x):
        x = self.head(self.body(x))
        return x

LECTURE = Lecture(title="Mine", title_zh="我的", datasets=("digits",),
    model=lambda spec, hp: Net(spec), criterion=nn.CrossEntropyLoss,
    hyperparameters=Hyperparameters(lr=0.1, epochs=2))
'''
HEAD = "from torch import nn\n\nclass Head(nn.Linear):\n    pass\n"

pytestmark = pytest.mark.usefixtures("small_data")


def write(folder: Path, name: str = "my_net.py") -> Path:
    """A lecture file with a module beside it."""
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    (folder / "parts" / "head.py").write_text(HEAD)
    path = folder / name
    path.write_text(NET)
    return path


def negate(path: Path) -> None:
    path.write_text(path.read_text().replace("return x", "return -x"))


def record(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text("utf-8"))


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write(tmp_path / "mine")


@pytest.fixture
def run(net: Path) -> Path:
    return train(net, "--seed", 3)


# What is kept


def test_the_run_keeps_the_file_and_its_modules_and_run_json_says_what_it_is_made_of(
    net: Path, run: Path
):
    assert (run / "source" / "my_net.py").read_text() == NET
    assert (run / "source" / "parts" / "head.py").read_text() == HEAD
    said = record(run)
    assert said["source"]["path"] == str(net)
    assert list(said["source"]["files"]) == ["my_net.py", "parts/head.py"]
    assert said["model"] == "Net"
    assert 0 < said["normalisation"]["mean"] < 1
    assert said["machine"]["cpu"]
    assert said["packages"]["torch"]
    assert said["machine"]["cores"] >= 1


def test_a_lecture_of_the_course_is_named_by_its_hash_and_the_commit_of_tutorch(tmp_path: Path):
    said = record(train("05", "--epochs", 1))
    assert (said["source"]["path"], len(said["source"]["sha256"])) == (None, 64)
    assert said["normalisation"] is None
    packed = tmp_path / "repository"
    (packed / "worktrees" / "w").mkdir(parents=True)
    (packed / "worktrees" / "w" / "HEAD").write_text("ref: refs/heads/main\n")
    (packed / "worktrees" / "w" / "commondir").write_text("../..\n")
    (packed / "packed-refs").write_text(f"# pack-refs\n{'ab' * 20} refs/heads/main\n")
    (tmp_path / ".git").write_text(f"gitdir: {packed}/worktrees/w\n")
    assert commit(tmp_path) == "ab" * 20
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert commit(tmp_path) is None
    assert commit(tmp_path / "site-packages") is None


def test_the_scales_of_a_table_are_kept_too(tmp_path: Path):
    rows = [f"{n * 2},{n * 20},{'ab'[n % 2]},{n % 2}" for n in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y z,kind,target", *rows]))
    said = record(train("06", "--epochs", 1, "--dataset", "csv:t.csv", "--target", "target"))
    normalisation = said["normalisation"]
    assert list(normalisation["mean"]) == list(normalisation["std"]) == ["x", "y z"]
    ten_times = pytest.approx(10 * normalisation["mean"]["x"], rel=FLOAT32)
    assert normalisation["mean"]["y z"] == ten_times
    assert record(train("08_data", "--epochs", 1))["normalisation"]["std"]["mean radius"] > 0


# Opening


def test_what_opens_a_run_uses_the_kept_source_and_says_that_the_file_has_changed(
    net: Path, run: Path
):
    before = tutorch("evaluate", run, "--json")
    assert before.err == ""
    negate(net)
    after = tutorch("evaluate", run, "--json")
    assert after.out == before.out
    assert "my_net.py has changed since the run was trained" in after.err
    (net.parent / "parts" / "head.py").write_text("1 / 0")
    sample = tutorch("predict", run, "image.png")  # there is none: the model was asked all the same
    assert "my_net.py and parts/head.py, which it imports, have changed" in sample.err
    net.write_text(NET)
    for argv in (["show", run, "--view", "confusion"], ["export", run, "--out", "script.py"]):
        ended = tutorch(*argv)
        assert (ended.exit_code, ended.err.count("\n")) == (0, 1)
        assert "parts/head.py, which my_net.py imports, has changed" in ended.err


def test_a_run_opens_on_another_machine_where_its_file_never_was(
    net: Path, run: Path, tmp_path: Path
):
    before = tutorch("evaluate", run, "--json").json
    elsewhere = tmp_path / "elsewhere" / "runs" / run.parent.name / run.name
    shutil.copytree(run, elsewhere)
    shutil.rmtree(run.parent.parent)
    shutil.rmtree(net.parent)
    after = tutorch("evaluate", elsewhere, "--json")
    assert {**after.json, "run": ""} == {**before, "run": ""}
    assert f"{net} is no longer there: the copy in the run folder is used" in after.err
    resumed = tutorch("resume", elsewhere, "--epochs", 3, "--no-tui")
    assert resumed.exit_code == 0, resumed.err
    assert record(elsewhere)["source"]["path"] == str(net)
    assert "source_changes" not in record(elsewhere)


def test_a_users_file_named_like_a_lecture_of_the_course_is_never_taken_for_it(tmp_path: Path):
    run = train(write(tmp_path / "mine", "lecture_09_softmax_classifier.py"))
    assert tutorch("evaluate", run).exit_code == 0
    assert record(run)["model"] == "Net"
    (tmp_path / "mine" / "lecture_09_softmax_classifier.py").unlink()
    assert tutorch("evaluate", run).exit_code == 0


def test_runs_of_earlier_versions_open_by_the_path_of_their_file(net: Path, run: Path):
    shutil.rmtree(run / "source")
    said = record(run)
    del said["source"]
    (run / "run.json").write_text(json.dumps(said))
    assert tutorch("evaluate", run).exit_code == 0
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0
    assert (run / "source" / "my_net.py").is_file()  # kept from now on
    course = train("05", "--epochs", 1)
    said = record(course)
    del said["source"]
    said["lecture_file"] = "/another/machine/models/lecture_05_linear_regression.py"
    (course / "run.json").write_text(json.dumps(said))
    assert tutorch("evaluate", course).exit_code == 0


@pytest.mark.parametrize(
    "harm",
    [
        lambda run, said: shutil.rmtree(run / "source"),
        lambda run, said: (run / "source" / "my_net.py").write_text(f"{NET}# other"),
        lambda run, said: said["source"]["files"].update({"../../../mine/my_net.py": "0"}),
        lambda run, said: said["source"].update(files={}),
        lambda run, said: said["source"].update(files=3),
        lambda run, said: said["source"].update(main="../my_net.py"),
        lambda run, said: said.update(source=3),
        lambda run, said: said.update(source=[]),
    ],
)
def test_a_damaged_source_is_reported(run: Path, harm: Any):
    said = record(run)
    harm(run, said)
    (run / "run.json").write_text(json.dumps(said))
    for argv in (["evaluate", run], ["resume", run, "--no-tui", "--epochs", 3]):
        ended = tutorch(*argv)
        assert (ended.exit_code, ended.out) == (1, "")
        assert ended.err.startswith("tutorch: ")
        assert tutorch("show", run).exit_code in (0, 1)


def test_an_unexpected_record_is_repaired_when_the_run_is_resumed(net: Path, run: Path):
    said = record(run)
    del said["source"]["sha256"]
    (run / "run.json").write_text(json.dumps({**said, "source_changes": 3}))
    negate(net)
    argv = ("resume", run, "--epochs", 3, "--no-tui", "--source", "current")
    assert tutorch(*argv).exit_code == 0
    assert [change["step"] for change in record(run)["source_changes"]] == [2]
    assert tutorch("evaluate", run).err == ""


def test_a_file_out_of_the_run_folder_is_not_run_though_run_json_names_it(
    run: Path, tmp_path: Path
):
    other = tmp_path / "other.py"
    other.write_text(NET.replace("parts.head import Head", "torch.nn import Linear as Head"))
    said = record(run)
    sha256 = hashlib.sha256(other.read_bytes()).hexdigest()
    said["source"].update(main=str(other), files={str(other): sha256})
    (run / "run.json").write_text(json.dumps(said))
    ended = tutorch("evaluate", run)
    assert (ended.exit_code, ended.out) == (1, "")


def test_a_link_out_of_the_run_folder_is_not_followed(net: Path, run: Path):
    (run / "source" / "my_net.py").unlink()
    (run / "source" / "my_net.py").symlink_to(net)
    assert tutorch("evaluate", run).exit_code == 1


def test_a_source_is_never_written_through_a_link_out_of_the_run_folder(
    net: Path, run: Path, tmp_path: Path
):
    """A run of an earlier version has no source folder, so one that exists isn't tutorch's."""
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(run / "source")
    (run / "source").symlink_to(outside)
    said = record(run)
    del said["source"]
    (run / "run.json").write_text(json.dumps(said))
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0
    assert not list(outside.iterdir())
    assert (run / "source" / "my_net.py").read_text() == NET


# Going on


def test_a_run_whose_file_has_changed_is_not_resumed_until_the_user_says_with_which(
    net: Path, run: Path
):
    twin = shutil.copytree(run, run.with_name("20200101-000000-0000"))
    negate(net)
    refused = tutorch("resume", run, "--epochs", 3, "--no-tui")
    assert refused.exit_code == 2
    assert "my_net.py has changed" in refused.err
    assert "--source kept" in refused.err
    assert "--source current" in refused.err
    kept = tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "kept")
    assert kept.exit_code == 0
    assert "the copy in the run folder is used" in (run / "log.txt").read_text()
    net.write_text(NET)
    assert tutorch("resume", twin, "--epochs", 3, "--no-tui").exit_code == 0
    losses = [tutorch("show", each, "--json").json["epoch_values"][-1] for each in (run, twin)]
    assert losses[0]["test_loss"] == losses[1]["test_loss"]  # the very run, as if nothing were


def test_a_run_resumed_with_a_changed_file_records_the_step(net: Path, run: Path):
    before, best = record(run), tutorch("show", run, "--json").json["best_value"]
    negate(net)
    ended = tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "current")
    assert ended.exit_code == 0, ended.err
    after = record(run)
    (change,) = after["source_changes"]
    assert change["step"] == 2 * before["steps_per_epoch"]
    assert change["sha256"] == before["source"]["sha256"] != after["source"]["sha256"]
    assert (run / change["kept_in"] / "my_net.py").read_text() == NET
    assert "return -x" in (run / "source" / "my_net.py").read_text()
    assert after["created"] == before["created"]
    said = tutorch("evaluate", run, "--json")
    assert said.err == ""
    # The best model is one of the changed net, and not the better one of the net before.
    assert said.json["test_accuracy"] == tutorch("show", run, "--json").json["best_value"] < best
    assert tutorch("resume", run, "--epochs", 4, "--no-tui").exit_code == 0
    assert len(record(run)["source_changes"]) == 1


def test_a_changed_file_that_the_weights_do_not_fit_is_refused_and_the_run_stays_whole(
    net: Path, run: Path
):
    net.write_text(NET.replace("(784, 8)", "(784, 9)").replace("Head(8", "Head(9"))
    ended = tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "current")
    assert ended.exit_code == 1
    assert "my_net.py as it is now can't continue" in ended.err
    assert "--source kept" in ended.err
    net.unlink()
    gone = tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "current")
    assert (gone.exit_code, "is no longer there" in gone.err) == (2, True)
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0


def test_a_program_killed_while_it_exchanged_the_source_leaves_a_run_that_opens(
    net: Path, run: Path, monkeypatch: pytest.MonkeyPatch
):
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    negate(net)
    for step in ("copy_source", "replace_file"):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(run_source, step, kill)
            tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "current")
        assert tutorch("evaluate", run).exit_code == 0
    assert tutorch("resume", run, "--epochs", 3, "--no-tui", "--source", "kept").exit_code == 0


# The list of runs


def test_two_users_files_of_one_name_are_distinguished_in_lists(tmp_path: Path):
    def listed() -> list[str]:
        return [line.split("  ")[1].strip() for line in tutorch("runs").out.splitlines()[1:]]

    for who in ("ann", "ben"):
        train(write(tmp_path / who / "nets"), "--epochs", 1)
        if who == "ann":
            assert listed() == ["my_net"]
    train(write(tmp_path / "ben" / "nets", "lecture_05_linear_regression.py"), "--epochs", 1)
    train("05", "--epochs", 1)
    assert listed() == [
        *("my_net (ann/nets)", "my_net (ben/nets)"),
        *("05_linear_regression (nets)", "05_linear_regression"),
    ]
    rows = RunTable(Path("runs")).rows()
    assert [lecture_of(row) for row in rows][-1] == "my net (ann/nets)"
    summaries = [row.summary for row in rows]
    assert best_by_lecture(summaries)["lecture_05_linear_regression", ""].runs == 1
    assert {summary["file"] for summary in tutorch("runs", "--json").json} == {
        *(str(tmp_path / who / "nets" / "my_net.py") for who in ("ann", "ben")),
        *("", str(tmp_path / "ben" / "nets" / "lecture_05_linear_regression.py")),
    }


def test_one_path_on_two_machines_is_two_files(run: Path):
    twin = shutil.copytree(run, run.with_name("20200101-000000-0000"))
    (twin / "run.json").write_text(json.dumps({**record(twin), "host": "gpu-box"}))
    assert "my_net (on gpu-box)" in tutorch("runs").out


# A lecture is its file, not its name


def test_a_users_file_named_like_a_lecture_of_the_course_is_distinguished(tmp_path: Path):
    course = train("05", "--epochs", 2)
    own = train(write(tmp_path / "mine", course.parent.name + ".py"), "--epochs", 1)
    rows = RunTable(Path("runs")).rows()
    trained = best_by_lecture([row.summary for row in rows])
    file = str(tmp_path / "mine" / f"{own.parent.name}.py")
    assert {key: marks.runs for key, marks in trained.items()} == {
        (own.parent.name, ""): 1,
        (own.parent.name, file): 1,
    }
    lessons = [read_lesson(find_lecture(own.parent.name)), read_lesson(Path(file))]
    assert [lesson.key in trained for lesson in lessons] == [True, True]
    assert [label_of(row, rows) for row in rows] == [
        "05 linear regression (mine)",
        "05 linear regression",
    ]
    histories = [RecordedRun(RunFolder(run)).history for run in (own, course)]
    for history in histories:
        assert history.info is not None
        history.info = replace(history.info, dataset="the same")
        history.best = BestImproved(
            run="", epoch=1, step=1, metric="test_loss", value=1 + len(history.losses)
        )
    assert relative_result(*histories) == ""
    shutil.rmtree(course)
    assert "05_linear_regression (mine)" in tutorch("runs").out


def test_a_run_of_an_earlier_version_from_a_folder_called_models_is_the_users(tmp_path: Path):
    net = write(tmp_path / "models", "lecture_09_softmax_classifier.py")
    run = train(net)
    said = record(run)
    del said["source"]
    (run / "run.json").write_text(json.dumps(said))
    assert tutorch("runs", "--json").json[0]["file"] == str(net)
    assert tutorch("evaluate", run).exit_code == 0  # which the course's net would not fit
    net.unlink()
    ended = tutorch("evaluate", run)
    assert ended.exit_code == 1
    assert f"{net} is no longer there: tutorch's own {net.stem} is used" in ended.err


def test_a_changed_lecture_of_the_course_is_reported(tmp_path: Path):
    run = train("05", "--epochs", 1)
    said = record(run)
    assert "changed" not in tutorch("evaluate", run).err
    said["source"]["sha256"] = "0" * 64
    (run / "run.json").write_text(json.dumps(said))
    changed = "tutorch's lecture_05_linear_regression has changed since the run was trained"
    assert changed in tutorch("evaluate", run).err
    assert changed in tutorch("resume", run, "--epochs", 2, "--no-tui").err
    assert record(run)["source_changes"] == [{"step": 1, "sha256": "0" * 64}]
    said |= {"lecture": "lecture_99_of_tomorrow"}
    (run / "run.json").write_text(json.dumps(said))
    assert "has no lecture 'lecture_99_of_tomorrow'" in tutorch("evaluate", run).err
