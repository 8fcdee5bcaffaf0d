"""Trains small runs as a rank of a group, or alone, and says what came of them.

`run_group` starts the ranks, with torchrun's variables; each runs `main`, which writes what the
cases returned into FOLDER/rank-<rank>.pt. The runs of the group are in FOLDER/runs.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from models import find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.program import environment
from tui_app.runs.events import (
    CheckpointDue,
    EpochCompleted,
    Event,
    RunCompleted,
    StateChanged,
    StepsCompleted,
    Warned,
)
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.evaluation import evaluate
from tui_app.training.follow import follow, follow_new_run, follow_resumed_run
from tui_app.training.ranks.group import join
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.ranks import Ranks
from tui_app.training.session_request import NewRunRequest, ResumeRequest
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


@dataclass
class Trained:
    """What a run came to on one rank, and what rank 0 published."""

    completed: RunCompleted
    step: int
    model: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    folder: str
    events: list[Event]

    @property
    def losses(self) -> list[float]:
        """The loss of every step."""
        return [loss for event in self.events for loss in getattr(event, "losses", ())]

    @property
    def values(self) -> list[dict[str, float]]:
        """The values of every epoch."""
        return [dict(event.values) for event in self.events if isinstance(event, EpochCompleted)]

    @property
    def warnings(self) -> list[str]:
        """The texts of the warnings."""
        return [event.text for event in self.events if isinstance(event, Warned)]


@dataclass(frozen=True)
class Place:
    """The rank that runs a case, and the folder of its group."""

    ranks: Ranks
    folder: Path

    def train(
        self,
        lecture: str,
        *listeners: Callable[[Control, Event], None],
        steps: int = 0,
        **given: Any,
    ) -> Trained:
        """Train a new run, paused after so many `steps`, if any: then it stops, unless `listeners`
        decide what to do.
        """
        given = {"device": "cpu", "threads": 1, "runs_dir": str(self.folder / "runs"), **given}
        given["devices"] = self.ranks.count
        allow_named_file(find_lecture(lecture))
        settings = resolve_settings(load_lecture(find_lecture(lecture)), given)
        if self.ranks.rank:
            control = Control()
            return self._follow(follow_new_run(settings, control, self.ranks), control)
        return self._lead(NewRunRequest(settings, ranks=self.ranks), listeners, steps)

    def resume(self, folder: str, **changes: Any) -> Trained:
        """Resume a run with `changes` of its epochs or its options, and train it to its end."""
        run = RunFolder(Path(folder))
        if self.ranks.rank:
            control = Control()
            devices = self.ranks.count
            training = follow_resumed_run(run, control, self.ranks, devices=devices, **changes)
            return self._follow(training, control)
        epochs, changes = changes.pop("epochs", None), {**changes, "devices": self.ranks.count}
        return self._lead(ResumeRequest(run, epochs, changes, ranks=self.ranks), (), 0)

    def _follow(self, training: Training, control: Control) -> Trained:
        return _trained(training, follow(training, control), [])

    def _lead(
        self,
        request: NewRunRequest | ResumeRequest,
        listeners: Sequence[Callable[[Control, Event], None]],
        steps: int,
    ) -> Trained:
        control, events = Control(), list[Event]()
        if steps:
            control.run_steps(steps)
            listeners = listeners or [_stop_when_paused]
        session = request(control, lambda progress: None)
        heard = [partial(each, control) for each in listeners]
        completed = session.train(control, [events.append, *heard])
        return _trained(session.training, completed, events)


def _stop_when_paused(control: Control, event: Event) -> None:
    if isinstance(event, StateChanged):
        control.stop()


def _trained(training: Training, completed: RunCompleted, events: list[Event]) -> Trained:
    best = training.best.best
    return Trained(
        completed,
        training.step,
        training.model.state_dict(),
        dict(best.weights) if best else {},
        str(training.folder.path),
        events,
    )


#: Runs that are equal whatever the number of ranks, by name. Their batches can't be divided evenly;
#: of the last batch of "9" one sample is left, and of every batch of "4", so that ranks have none.
EQUAL: dict[str, tuple[str, dict[str, Any]]] = {
    "2, search": ("02", {"epochs": 5}),
    "3, by hand": ("03", {"epochs": 5}),
    "4, one sample": ("04", {"epochs": 2}),
    "5": ("05", {"epochs": 5}),
    "5, lbfgs": ("05", {"epochs": 2, "optimizer": "lbfgs"}),
    "8, DataLoader": ("08", {"epochs": 1, "batch_size": 65}),
    "9": ("softmax", {"epochs": 1, "batch_size": 359, "widths": (16,)}),
    "9, validation": ("softmax", {"epochs": 9, "validation": 0.2, "widths": (8,), "lr": 2.0,
                                  "early_stopping": 1, "batch_size": 100}),
    "10": ("10_basic", {"epochs": 1}),
}  # fmt: skip


def equal(place: Place) -> dict[str, Trained]:
    """Runs that don't depend on the number of ranks."""
    runs = {name: place.train(lecture, **given) for name, (lecture, given) in EQUAL.items()}
    runs["sum"] = place.train(str(place.folder / "sum.py"), epochs=1, clip_grad_norm=50.0)
    return runs


def resumed(place: Place) -> list[Trained]:
    """A run whole, a part of it that ends in the middle of its second epoch, and the rest."""
    net = str(place.folder / "net.py")
    whole = place.train(net)
    part = place.train(net, steps=20)
    return [whole, part, place.resume(part.folder)]


def repeated(place: Place) -> list[Trained]:
    """A run whose lr is changed after 8 steps, and which is stopped after 20: resumed from there,
    and, as after a crash, from its first checkpoint.
    """

    def change_lr(control: Control, event: Event) -> None:
        if not isinstance(event, StateChanged) or event.state != "paused":
            return
        if event.step == 8:
            control.set_lr(0.03)
            control.run_steps(12)
        else:
            control.stop()

    part = place.train(str(place.folder / "net.py"), change_lr, steps=8)
    run = Path(part.folder)
    copy = run.with_name("20000101-000000-0000")

    def copy_run() -> None:
        shutil.copytree(run, copy)
        (copy / "previous.pt").replace(copy / "last.pt")

    place.ranks.agree(copy_run)
    return [place.resume(str(run)), place.resume(str(copy))]


def from_one(place: Place) -> Trained:
    """The rest of a run of which one process trained a part."""
    return place.resume((place.folder / "alone.txt").read_text())


def steered(place: Place) -> tuple[Trained, object]:
    """A run that is paused, steered and stopped, and the result of a request meanwhile."""
    results: list[Future[object]] = []

    def steer(control: Control, event: Event) -> None:
        if isinstance(event, StepsCompleted) and not results:
            results.append(control.request(lambda training: (training.step, _evaluated(training))))
            control.pause()
            control.save()
        elif isinstance(event, CheckpointDue) and event.step == 1:
            control.set_lr(0.01)
            control.run_steps(3)
        elif isinstance(event, StateChanged) and event.step == 4:
            control.stop("enough", 0)

    run = place.train(str(place.folder / "net.py"), steer)
    return run, results[0].result() if results else None


def _evaluated(training: Training) -> float:
    split = training.measured.split
    return evaluate(training.model, training.criterion, split, "multiclass")["loss"]


def limited(place: Place) -> Trained:
    """A run that ends by its time limit."""
    return place.train("softmax", max_time=1e-3, widths=(8,))


def failing(place: Place) -> Trained:
    """A run whose net raises an error on rank 1. The group can train nothing afterwards."""
    return place.train(str(place.folder / "failing.py"))


def run_group(count: int, folder: Path, cases: Iterable[str]) -> list[dict[str, Any]]:
    """What the cases returned on each rank of a group of `count`, which is started for them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    shared |= {"TUTORCH_STATE_DIR": str(folder / "state"), "OMP_NUM_THREADS": "1"}
    code = f"from {__name__} import main; main(*sys.argv[1:])"
    argv = [sys.executable, "-c", f"import sys; {code}", str(folder), *cases]
    ranks = [
        subprocess.Popen(
            argv,
            env=environment(**shared, RANK=str(rank), LOCAL_RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        printed = [rank.communicate(timeout=300)[0] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    assert [rank.returncode for rank in ranks] == [0] * count, "\n".join(printed)
    return [torch.load(folder / f"rank-{rank}.pt", weights_only=False) for rank in range(count)]


def main(path: str, *cases: str) -> None:
    """Run the cases as a rank, and write what they return; an error that one raises, too."""
    folder = Path(path)
    launch = Launch.from_environment(os.environ)
    assert launch is not None
    group, results = join(launch, "cpu"), dict[str, Any]()
    for case in cases:
        try:
            results[case] = globals()[case](Place(group, folder))
        except Exception as error:  # noqa: BLE001 # the test looks at it
            results[case] = error
    torch.save(results, folder / f"rank-{group.rank}.pt")
    group.close()
