"""`tutorch submit`, and what `runs` and `show` say of runs that jobs train."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import tutorch
from tests.runs.cluster_commands import ClusterCommands
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.listing import find_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SLURM's commands are for POSIX")

#: A run of milliseconds.
SMALL = ("05", "--epochs", "2")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterCommands:
    commands = ClusterCommands(tmp_path / "bin", monkeypatch)
    commands.add("sbatch", "echo 123")
    commands.add("scontrol", "echo 'ClusterName             = alps'")
    commands.add("sacct", "exit 1")
    say_state(commands, "PENDING", "Priority")
    return commands


def say_state(cluster: ClusterCommands, state: str, reason: str = "None") -> None:
    cluster.add("squeue", f"echo '123|{state}|{reason}'")


def listed() -> dict:
    (run,) = tutorch("runs", "--json").json
    return run


def test_a_submitted_run_is_listed_with_its_job_until_the_job_trains_it(cluster: ClusterCommands):
    ended = tutorch("submit", *SMALL, "--time", "2:00:00", "--partition", "gpu")
    assert ended.exit_code == 0, ended.err
    run = ended.run
    assert run.parent.name == "lecture_05_linear_regression"
    assert cluster.calls == [f"sbatch --parsable {run}/job.sh", "scontrol show config"]
    for part in ("123 of alps", run.name, f"{run}/job.log", "scancel 123"):
        assert part in ended.err
    script = (run / "job.sh").read_text()
    for line in ("--time=2:00:00", "--partition=gpu", "--nodes=1"):
        assert f"\n#SBATCH {line}\n" in script
    record = json.loads((run / "job.json").read_text())
    assert (record["job_id"], record["cluster"], record["epochs"]) == ("123", "alps", 2)

    assert "queued, job 123" in tutorch("runs").out
    assert (listed()["state"], listed()["job"], listed()["has_begun"]) == ("queued", "123", False)
    shown = tutorch("show", "last")
    assert "job 123 waits: Priority" in shown.out
    assert "123 of alps" in shown.out
    assert tutorch("show", "last", "--json").json["record"] is None
    resumed = tutorch("resume", "last", "--no-tui")
    assert resumed.exit_code == 1
    assert "hasn't begun" in resumed.err

    trained = tutorch("--no-tui", *SMALL, "--run-folder", run)
    assert trained.exit_code == 0, trained.err
    cluster.calls  # noqa: B018 # forgets them
    assert listed()["state"] == "completed"
    assert cluster.calls == []  # SLURM is asked only about runs that aren't done
    assert "completed, job" not in tutorch("runs").out
    assert "123 of alps" in tutorch("show", "last").out


@pytest.mark.parametrize(
    ("slurm", "state", "reason"),
    [
        ("echo '123|RUNNING|None'", "starting", "running"),
        ("echo '123|CANCELLED|None'", "cancelled", "cancelled before training began"),
        ("echo '123|FAILED|NonZeroExitCode'", "failed", "job.log says why"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "vanished", "SLURM"),
        ("echo 'Unable to contact slurm controller' >&2; exit 1", "queued", None),
    ],
)
def test_a_job_that_ended_before_training_began_is_shown_as_such(
    slurm: str, state: str, reason: str | None, cluster: ClusterCommands
):
    tutorch("submit", *SMALL)
    cluster.add("squeue", slurm)
    run = listed()
    assert run["state"] == state
    assert (reason or "") in (run["reason"] or "")


def test_a_job_that_has_written_its_log_isnt_queued_any_more(cluster: ClusterCommands):
    run = tutorch("submit", *SMALL).run
    (run / "job.log").write_text("no data\n")
    cluster.add("squeue", "exit 1")
    assert listed()["state"] == "starting"  # without an answer it's what the folder says
    cluster.add("squeue", "")
    assert listed()["state"] == "failed"
    assert "job 123 ended before training began: job.log says why" in tutorch("show", "last").out


def test_a_job_that_squeue_has_forgotten_is_found_in_the_accounts(cluster: ClusterCommands):
    tutorch("submit", *SMALL)
    cluster.add("squeue", "")
    cluster.add("sacct", "echo '123|CANCELLED by 1000'")
    assert listed()["state"] == "cancelled"


def test_another_cluster_isnt_asked_about_a_job(cluster: ClusterCommands):
    tutorch("submit", *SMALL)
    cluster.add("scontrol", "echo 'ClusterName             = jura'")
    say_state(cluster, "CANCELLED")
    assert listed()["state"] == "queued"
    assert listed()["cluster"] == "alps"


def test_a_saved_run_whose_job_was_requeued_is_queued(cluster: ClusterCommands):
    run = tutorch("submit", "softmax", "--widths", "8", "--epochs", "400").run
    stopped = tutorch(
        "--no-tui", "softmax", "--widths", "8", "--run-folder", run, "--max-time", "0.01"
    )
    assert stopped.exit_code == 0, stopped.err
    assert listed()["state"] == "queued"
    assert "epochs and waits: Priority" in listed()["reason"]
    for state in ("COMPLETING", "CANCELLED"):
        say_state(cluster, state)
        assert listed()["state"] == "stopped"


def test_a_run_that_has_begun_is_last_before_one_that_hasnt(cluster: ClusterCommands):
    trained = tutorch("--no-tui", *SMALL).run
    tutorch("submit", *SMALL)
    assert find_run("last", Path("runs")).path == trained


def test_a_damaged_job_json_is_reported_and_no_argument_of_a_command(cluster: ClusterCommands):
    run = tutorch("submit", *SMALL).run
    record = json.loads((run / "job.json").read_text())
    cluster.calls  # noqa: B018 # forgets them
    for wrong in ({"job_id": "--help"}, {"submitted": 1e300}, {"epochs": "2"}, {"lecture": None}):
        write_json(run / "job.json", {**record, **wrong})
        assert listed()["state"] == "damaged"
        assert "job.json is damaged" in listed()["problem"]
    assert cluster.calls == []


def test_a_dry_run_prints_a_valid_script_and_makes_nothing(cluster: ClusterCommands):
    words = ("--gpus", "2", "--sbatch", "--mem=8G", "--sbatch", "constraint=a100|h100")
    ended = tutorch("submit", "softmax", "--dry-run", *words)
    assert ended.exit_code == 0, ended.err
    assert ended.out.startswith("#!/bin/bash\n")
    assert '\n#SBATCH --mem=8G\n#SBATCH --constraint="a100|h100"\n' in ended.out
    subprocess.run(["bash", "-n"], input=ended.out, text=True, check=True)
    assert tutorch("submit", "softmax", "--dry-run", "--json", *words).json["script"]
    assert not Path("runs").exists()
    assert cluster.calls == []


def test_json_names_the_job_and_its_files(cluster: ClusterCommands):
    values = tutorch("submit", *SMALL, "--json").json
    assert values["job_id"] == "123"
    assert Path(values["script"]).read_text().startswith("#!/bin/bash\n")
    assert Path(values["path"]).parts[-2:] == tuple(values["run"].split("/"))


def test_a_job_that_isnt_accepted_leaves_nothing(cluster: ClusterCommands):
    cluster.add("sbatch", "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1")
    ended = tutorch("submit", *SMALL, "--partition", "x")
    assert ended.exit_code == 4
    assert "invalid partition specified: x" in ended.err
    assert not list(Path("runs").glob("*/*"))


def test_without_slurm_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = tutorch("submit", *SMALL)
    assert ended.exit_code == 4
    assert "no `sbatch` here" in ended.err
    assert not list(Path("runs").glob("*/*"))
    assert tutorch("submit", *SMALL, "--dry-run").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lr", "-1"), "lr: a number"),
        (("--dataset", "mnist"), "doesn't learn from mnist"),
        (("--gpus", "-1"), "gpus: a whole number ≥ 0"),
        (("--nodes", "0"), "nodes: a whole number ≥ 1"),
        (("--gpus", "3", "--nodes", "2"), "can't be shared out"),
        (("--gpus", "3", "--devices", "2"), "devices: --gpus 3"),
        (("--gpus", "2", "--device", "cuda:1"), "devices: 2 devices need"),
        (("--time", "soon"), "time: minutes"),
        (("--partition", "a b"), "partition: a name"),
        (("--sbatch", "mem=1\n#SBATCH --wrap=x"), "sbatch: an option"),
        (("--sbatch", "; rm"), "sbatch: an option"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_submitted(
    words: tuple[str, ...], said: str, cluster: ClusterCommands
):
    ended = tutorch("submit", "05", *words)
    assert ended.exit_code == 2
    assert said in ended.err
    assert cluster.calls == []
    assert not Path("runs").exists()
