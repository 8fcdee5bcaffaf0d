"""The script of a SLURM job: its text, and what it does on signals, with stand-ins for SLURM."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tests.program import LONGEST, environment, metrics_lines, train
from tests.runs.cluster_commands import ClusterCommands
from tui_app.runs.jobs.job_script import JobRequest, Program, job_script, with_devices
from tui_app.runs.listing import read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="a job's script is for bash"
)

_LECTURE = "lecture_09_softmax_classifier"

#: Stands in for Python: a training that does what the test's `$PROGRAM` says.
_TRAINING = """#!/bin/bash
printf '%s\\n' "$@" >"$RUN/words"
state() { printf '{\\n  "state": "%s",\\n  "pid": %s\\n}\\n' "$1" $$ >"$RUN/status.json"; }
save() { touch -d "@$(date +%s%N | cut -c6-15)" "$RUN/last.pt"; }
echo $$ >"$RUN/trainer"
stopped() { save; state stopped; exit 143; }
trap stopped TERM
touch "$RUN/run.json"
echo starts
eval "$PROGRAM"
"""

#: Waits for a signal, however long a busy machine takes.
_WAIT = "while :; do sleep 0.02; done"


def script(folder: RunFolder, python: str, job: JobRequest | None = None, **given: object) -> str:
    settings = resolve_settings(load_lecture(find_lecture("softmax")), given)
    job = job or JobRequest()
    program = Program(python, Path.cwd())
    return job_script(with_devices(settings, job), folder, job, program)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "it's 运行 100%", _LECTURE)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterCommands:
    commands = ClusterCommands(tmp_path / "bin", monkeypatch)
    commands.add("scontrol", "")
    commands.add("squeue", "echo COMPLETING")
    return commands


class Job:
    """A started script, which `send` signals as SLURM does."""

    def __init__(self, path: Path, **variables: str) -> None:
        self._process = subprocess.Popen(
            ["bash", str(path)],
            env=environment(SLURM_JOB_ID="12", RUN=str(path.parent), **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def wait_for(self, words: str) -> Job:
        assert self._process.stdout is not None
        while words not in self.output:
            line = self._process.stdout.readline()
            assert line, self.output
            self.output += line
        return self

    def send(self, number: signal.Signals) -> Job:
        self._process.send_signal(number)
        return self

    def end(self) -> int:
        out, _ = self._process.communicate(timeout=LONGEST)
        self.output += out
        return self._process.returncode


@pytest.fixture
def prepared(folder: RunFolder, tmp_path: Path) -> Path:
    """The script of a job that trains with the stand-in for Python."""
    python = tmp_path / "python"
    python.write_text(_TRAINING)
    python.chmod(0o755)
    path = folder.path / "job.sh"
    path.write_text(script(folder, str(python)))
    return path


# The text


def test_every_kind_of_script_is_valid_bash_and_has_what_was_asked_for(folder: RunFolder):
    one = script(folder, "/a b/python", JobRequest(time="2:00:00", save_before=30), threads=1)
    assert "\n#SBATCH --signal=B:USR1@30\n#SBATCH --requeue\n" in one
    assert "\n#SBATCH --open-mode=append\n" in one
    log = f"{folder.path}/job.log".replace("%", "%%")
    assert f'\n#SBATCH --output="{log}"\n' in one
    assert "\n#SBATCH --time=2:00:00\n" in one
    assert "--gpus" not in one
    assert "\npython='/a b/python'\n" in one
    assert "\n        --threads=1\n" in one
    job = JobRequest(gpus=4, nodes=2, partition="gpu", account="us", extra=("--constraint=a b",))
    several = script(folder, "/usr/bin/python3", job)
    for line in ("--gpus-per-node=2", "--nodes=2", "--cpus-per-task=2", '--constraint="a b"'):
        assert f"\n#SBATCH {line}\n" in several
    assert "--nproc-per-node=2" in several
    assert "--devices=" not in several
    for text in (one, several, script(folder, "python", JobRequest(gpus=3))):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        if shutil.which("shellcheck"):
            check = ["shellcheck", "--severity=warning", "--exclude=SC2054", "-"]
            subprocess.run(check, input=text, text=True, check=True)


def test_a_path_that_would_end_a_line_of_the_script_is_refused(tmp_path: Path):
    with pytest.raises(InvalidValue, match="can't name a path"):
        script(RunFolder(tmp_path / "a\nrm -r b"), "python")


def test_gpus_are_shared_out_equally_and_are_the_devices():
    settings = resolve_settings(load_lecture(find_lecture("softmax")), {})
    assert with_devices(settings, JobRequest(gpus=4, nodes=2)).options.devices == 4
    assert with_devices(settings, JobRequest()).options.device == "auto"
    assert with_devices(settings, JobRequest(gpus=1)).options.device == "cuda"
    on_cpu = resolve_settings(load_lecture(find_lecture("softmax")), {"device": "cpu"})
    assert with_devices(on_cpu, JobRequest(gpus=1)).options.device == "cpu"
    with pytest.raises(InvalidValue, match="shared out"):
        with_devices(settings, JobRequest(gpus=3, nodes=2))
    two = resolve_settings(load_lecture(find_lecture("softmax")), {"devices": 2})
    with pytest.raises(InvalidValue, match="devices"):
        with_devices(two, JobRequest(gpus=3))


# What it does


def test_before_the_time_limit_it_saves_and_requeues_and_the_next_start_resumes(
    prepared: Path, cluster: ClusterCommands
):
    job = Job(prepared, PROGRAM=_WAIT).wait_for("starts").send(signal.SIGUSR1)
    assert job.end() == 0, job.output
    assert cluster.calls == ["scontrol requeue 12"]
    words = (prepared.parent / "words").read_text().splitlines()
    assert f"--run-folder={prepared.parent}" in words
    again = Job(prepared, PROGRAM="state completed")
    assert again.end() == 0
    words = (prepared.parent / "words").read_text().splitlines()
    assert words[:5] == ["-P", "-m", "tui_app", "resume", str(prepared.parent)]
    assert cluster.calls == []
    (prepared.parent / "words").unlink()
    assert Job(prepared, PROGRAM="exit 9").end() == 0
    assert not (prepared.parent / "words").exists()  # a completed run isn't started


@pytest.mark.parametrize(("state", "code"), [("completed", 0), ("failed", 1), ("stopped", 0)])
def test_a_run_that_ended_by_itself_isnt_requeued(
    state: str, code: int, prepared: Path, cluster: ClusterCommands
):
    assert Job(prepared, PROGRAM=f"save; state {state}; exit {code}").end() == code
    assert cluster.calls == []


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_a_run_that_ends_at_the_time_limit_isnt_requeued(
    state: str, prepared: Path, cluster: ClusterCommands
):
    ending = f"trap 'save; state {state}; exit 1' TERM; echo ready; {_WAIT}"
    job = Job(prepared, PROGRAM=ending).wait_for("ready").send(signal.SIGUSR1)
    assert job.end() == 1
    assert cluster.calls == []


def test_a_cancelled_job_saves_and_a_preempted_one_is_requeued(
    prepared: Path, cluster: ClusterCommands
):
    cancelled = Job(prepared, PROGRAM=_WAIT).wait_for("starts").send(signal.SIGTERM)
    assert cancelled.end() == 143
    assert "requeue" not in " ".join(cluster.calls)
    assert read_status(RunFolder(prepared.parent))["state"] == "stopped"
    cluster.add("squeue", "echo RUNNING")
    preempted = Job(prepared, PROGRAM=_WAIT).wait_for("starts").send(signal.SIGTERM)
    assert preempted.end() == 0
    assert cluster.calls[-1] == "scontrol requeue 12"


def test_a_job_that_cant_be_requeued_says_how_to_continue(prepared: Path, cluster: ClusterCommands):
    cluster.add("scontrol", "echo 'operation disabled' >&2; exit 1")
    job = Job(prepared, PROGRAM=_WAIT).wait_for("starts").send(signal.SIGUSR1)
    assert job.end() == 143
    assert "operation disabled" in job.output
    assert "tutorch resume" in job.output


def test_a_job_whose_starts_train_nothing_isnt_requeued_for_ever(
    prepared: Path, cluster: ClusterCommands
):
    unready = f"trap - TERM; echo ready; {_WAIT}"
    for number in (1, 2, 3):
        job = Job(prepared, PROGRAM=unready).wait_for("ready").send(signal.SIGUSR1)
        assert job.end() == (143 if number == 3 else 0)
        assert ("scontrol requeue 12" in cluster.calls) == (number < 3)
    assert "--time is too short" in job.output


@pytest.mark.parametrize("has_begun", [True, False])
def test_on_several_nodes_rank_0_is_stopped_and_not_srun(
    has_begun: bool, prepared: Path, cluster: ClusterCommands, tmp_path: Path
):
    job = JobRequest(nodes=2)
    prepared.write_text(
        script(RunFolder(prepared.parent), str(tmp_path / "python"), job, devices=6)
    )
    cluster.add("srun", 'shift 2; trap "echo srun was stopped" TERM; "$@" & wait $!')
    cluster.add("scontrol", "echo first; echo second")
    cluster.add("scancel", 'kill -TERM "$(cat "$RUN/trainer")"')
    nodes = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NNODES": "2", "SLURM_NODEID": "0"}
    begin = "state running; " if has_begun else ""
    job = Job(prepared, PROGRAM=f"{begin}echo ready; {_WAIT}", SLURM_CPUS_PER_TASK="3", **nodes)
    assert job.wait_for("ready").send(signal.SIGUSR1).end() == 0, job.output
    assert "srun was stopped" not in job.output
    assert ("scancel --signal=TERM 12.0" in cluster.calls) != has_begun
    words = (prepared.parent / "words").read_text().splitlines()
    for word in ("--nnodes=2", "--nproc-per-node=3", "--node-rank=0", "--master-addr=first"):
        assert word in words
    after = words[words.index("tui_app") + 1 :]
    assert after[:3] == ["--no-tui", f"--run-folder={prepared.parent}", _LECTURE]


def test_a_real_training_is_saved_and_continues_as_if_it_had_never_stopped(
    folder: RunFolder, cluster: ClusterCommands
):
    given = {"widths": (8,), "epochs": 80, "threads": 1, "device": "cpu"}
    path = folder.path / "job.sh"
    path.write_text(script(folder, sys.executable, **given))
    first = Job(path).wait_for("epoch 1 ").send(signal.SIGUSR1)
    assert first.end() == 0, first.output
    assert cluster.calls[-1] == "scontrol requeue 12"
    status = read_status(folder)
    assert (status["state"], status["exit_code"]) == ("stopped", 143)
    assert 0 < status["epoch"] < 80
    second = Job(path)
    assert second.end() == 0, second.output
    assert read_status(folder)["state"] == "completed"
    options = [f"--{name}={value}" for name, value in given.items() if name != "widths"]
    whole = train("softmax", "--widths=8", *options)
    assert _values(folder.metrics) == _values(whole / "metrics.jsonl")


def _values(metrics: Path) -> list[object]:
    """Every step's loss and every epoch's values."""
    losses = [loss for line in metrics_lines(metrics, "steps") for loss in line["losses"]]
    kept = ("epoch", "train_loss", "test_loss", "test_accuracy")
    return [losses, [[line[name] for name in kept] for line in metrics_lines(metrics, "epoch")]]
