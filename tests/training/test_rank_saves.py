"""What rank 0 saves and says when ranks end, with another rank that is only pretended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tui_app.runs.checkpoints.checkpoint import copy_to_cpu, load_checkpoint, save_checkpoint
from tui_app.runs.errors import RankFailed, WorkerDied
from tui_app.runs.events import Event, RunCompleted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.data.batches import GatheredBatches
from tui_app.training.data.device_split import Batch
from tui_app.training.ranks.ranks import ALONE, Alone, Ranks
from tui_app.training.resume import resume_run
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted

T = TypeVar("T")


class Two(Alone):
    """Rank 0 of two, of which the other does the same."""

    count = 2

    def gather(self, value: T) -> list[T]:
        return [value, value]


def train_softmax(runs: Path, ranks: Ranks, control: Control) -> tuple[RunCompleted, RunFolder]:
    """How an epoch of a small net ends, and the run's folder."""
    given = {"device": "cpu", "threads": 1, "epochs": 1, "widths": (8,), "runs_dir": str(runs)}
    wanted = resolve_settings(load_lecture(find_lecture("softmax")), given)
    session = start_run(wanted, control, lambda progress: None, ranks=ranks)
    return session.train(control, []), session.folder


class Losing(Two):
    """Loses the other rank at the save of that number."""

    def __init__(self, lost_at: int) -> None:
        self._saves_left = lost_at

    def gather(self, value: T) -> list[T]:
        self._saves_left -= 1
        if self._saves_left < 0:
            raise RankFailed("rank 1 (host other, device cpu): it was killed", 1)
        return [value, value]


@pytest.mark.parametrize("lost_at", [0, 1])
def test_a_rank_that_is_lost_during_a_save_ends_the_run_with_its_name(tmp_path: Path, lost_at: int):
    completed, folder = train_softmax(tmp_path, Losing(lost_at), Control())
    assert (completed.state, completed.exit_code) == ("failed", ExitCode.FAILED)
    assert completed.reason == "rank 1 (host other, device cpu): it was killed"
    assert completed.step == (0 if lost_at == 0 else 23)
    assert folder.best().exists() == (lost_at == 1)


@pytest.mark.parametrize(("ranks", "saved"), [(ALONE, 23), (Two(), 0)])
def test_an_interrupted_evaluation_is_saved_only_if_all_random_numbers_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranks: Ranks, saved: int
):
    control = Control()

    def interrupt(*_: object, **__: object) -> None:
        control.stop()
        raise StepInterrupted

    monkeypatch.setattr("tui_app.training.epoch_end.evaluate", interrupt)
    completed, folder = train_softmax(tmp_path, ranks, control)
    assert (completed.state, completed.step) == ("stopped", 23)
    assert load_checkpoint(folder.last)["step"] == saved


@pytest.mark.parametrize(("ranks", "state", "saved"), [(ALONE, "stopped", 5), (Two(), "failed", 0)])
def test_a_worker_that_dies_is_said_to_leave_the_run_saved_only_if_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranks: Ranks, state: str, saved: int
):
    batches = GatheredBatches.epoch

    def die(self: GatheredBatches, epoch: int, start: int) -> Iterator[Batch]:
        yield from islice(batches(self, epoch, start), 5)
        raise WorkerDied("a process that loaded data died")

    monkeypatch.setattr(GatheredBatches, "epoch", die)
    completed, folder = train_softmax(tmp_path, ranks, Control())
    assert (completed.state, completed.exit_code) == (state, ExitCode.FAILED)
    assert load_checkpoint(folder.last)["step"] == saved
    assert completed.reason.startswith("a process that loaded data died")
    assert ("The run is saved" in completed.reason) == (saved == 5)


def test_only_the_rank_that_writes_copies_what_it_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copied: list[int] = []

    def copy(state: dict[str, Any]) -> dict[str, Any]:
        copied.append(state["step"])
        return copy_to_cpu(state)

    monkeypatch.setattr("tui_app.training.saver.copy_to_cpu", copy)
    follower = Two()
    follower.writes = False
    _, folder = train_softmax(tmp_path / "follower", follower, Control())
    assert not folder.last.exists()
    assert copied == []
    train_softmax(tmp_path / "writer", Two(), Control())
    assert copied == [0, 23]


def test_a_run_whose_batches_were_split_is_resumed_whole_and_says_so(tmp_path: Path):
    _, folder = train_softmax(tmp_path, Two(), Control())
    save_checkpoint(folder.last, {**load_checkpoint(folder.last), "parts": 4})

    def resume(ranks: Ranks) -> list[str]:
        control, events = Control(), list[Event]()
        session = resume_run(folder, control, lambda progress: None, epochs=2, ranks=ranks)
        control.stop()
        session.train(control, [events.append])
        notes = [event.text for event in events if isinstance(event, Warned)]
        return [note for note in notes if "split" in note]

    (note,) = resume(Two())
    assert "4 parts until now: several ranks don't split theirs" in note
    assert resume(ALONE) == []
