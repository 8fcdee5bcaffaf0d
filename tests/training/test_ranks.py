"""Several ranks train as one process does, resume exactly, and do what rank 0 decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from models import find_lecture
from models.user_files.trust import allow_named_file
from tests.tolerances import TRAINED
from tests.training.rank_cases import Place, Trained, equal, run_group
from tests.training.rank_net import write_net
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.events import CheckpointSaved, ControlApplied, StateChanged
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.ranks import ALONE

CASES = ("equal", "resumed", "repeated", "from_one", "steered", "limited", "failing")

#: The failure of rank 1 in a group of so many, and the exit code that it means.
FAILURES = {
    2: ('ValueError("not on this rank")', "not on this rank", ExitCode.FAILED),
    3: (
        'torch.OutOfMemoryError("CUDA out of memory")',
        "out of memory",
        ExitCode.DEVICE_UNAVAILABLE,
    ),
}


@dataclass
class Results:
    """What the cases returned on each rank of a group, and where its runs are."""

    count: int
    folder: Path
    ranks: list[dict[str, Any]]

    def of(self, case: str) -> list[Any]:
        """What it returned on each rank."""
        return [rank[case] for rank in self.ranks]


@pytest.fixture(scope="module", params=sorted(FAILURES))
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Those of 2 and of 3 ranks."""
    folder = tmp_path_factory.mktemp(f"ranks_{request.param}")
    write_net(folder / "net.py")
    write_net(folder / "sum.py", NORM="nn.Identity()", DROPPED="0", REDUCTION="sum", LR="1e-4")
    write_net(folder / "failing.py", FAILING_STEP="7", FAILURE=FAILURES[request.param][0])
    part = Place(ALONE, folder).train(str(folder / "net.py"), steps=20)
    (folder / "alone.txt").write_text(part.folder, encoding="utf-8")
    return Results(request.param, folder, run_group(request.param, folder, CASES))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """The runs of one process that all numbers of ranks must equal."""
    folder = tmp_path_factory.mktemp("alone")
    write_net(folder / "sum.py", NORM="nn.Identity()", DROPPED="0", REDUCTION="sum", LR="1e-4")
    return equal(Place(ALONE, folder))


def same(models: list[dict[str, torch.Tensor]]) -> bool:
    """Whether all have the same names and bits."""
    first, *others = models
    return all(
        each.keys() == first.keys() and all(torch.equal(first[name], each[name]) for name in first)
        for each in others
    )


def test_ranks_train_as_one_process_does(results: Results, alone: dict[str, Trained]):
    runs: list[dict[str, Trained]] = results.of("equal")
    for name, expected in alone.items():
        run = runs[0][name]
        assert run.losses == pytest.approx(expected.losses, rel=TRAINED, abs=TRAINED), name
        assert len(run.values) == len(expected.values)
        for values, expected_values in zip(run.values, expected.values, strict=True):
            assert values == pytest.approx(expected_values, rel=TRAINED, abs=TRAINED), name
        for weight, value in expected.model.items():
            assert torch.allclose(run.model[weight], value, rtol=TRAINED, atol=TRAINED), (
                name,
                weight,
            )
        assert run.completed.reason == expected.completed.reason
        assert run.completed.values == pytest.approx(
            expected.completed.values, rel=TRAINED, abs=TRAINED
        )
        assert same([each[name].model for each in runs])
        assert [each[name].completed.reason for each in runs] == [run.completed.reason] * len(runs)
    stopped = alone["9, validation"].completed
    assert "early stopping" in stopped.reason
    assert "test_accuracy" in stopped.values


def test_ranks_resume_bit_for_bit(results: Results):
    for rank, (whole, part, rest) in enumerate(results.of("resumed")):
        assert part.step == 20, rank
        assert same([whole.model, rest.model])
        assert whole.completed.best_value == rest.completed.best_value
        if rank == 0:
            assert part.losses + rest.losses == whole.losses
            assert not any("rank" in text for text in rest.warnings)
            last = load_checkpoint(Path(part.folder) / "last.pt")
            assert len(last["rng_of_ranks"]) == results.count
            best = load_checkpoint(Path(whole.folder) / "best.pt")
            assert same([best, whole.best])


def test_a_change_of_the_lr_is_repeated_on_all_ranks(results: Results):
    (stopped, crashed), *others = results.of("repeated")
    assert len(crashed.losses) == 30
    assert crashed.losses[20:] == stopped.losses
    assert same([each.model for each in (stopped, crashed, *(o[1] for o in others))])


def test_dropout_differs_between_ranks_and_norms_are_those_of_rank_0(results: Results):
    (whole, part, _), *others = results.of("resumed")
    assert same([whole.model, *(each[0].model for each in others)])
    rngs = load_checkpoint(Path(part.folder) / "last.pt")["rng_of_ranks"]
    assert not torch.equal(rngs[0]["torch"], rngs[1]["torch"])


def test_a_run_goes_on_with_another_number_of_ranks_and_says_so(results: Results):
    run: Trained = results.of("from_one")[0]
    assert run.completed.state == "completed"
    (note,) = (text for text in run.warnings if "rank" in text)
    assert f"trained by 1 rank until now, and continues with {results.count} ranks" in note
    _, part, rest = results.of("resumed")[0]
    allow_named_file(find_lecture(str(results.folder / "net.py")))
    again = Place(ALONE, results.folder).resume(part.folder, epochs=3)
    assert again.completed.state == "completed"
    (note,) = (text for text in again.warnings if "rank" in text)
    assert f"trained by {results.count} ranks until now, and continues with 1 rank:" in note
    assert again.step == rest.step * 3 // 2


def test_rank_0_decides_for_all(results: Results):
    (run, result), *others = results.of("steered")
    assert result[0] == 1 and result[1] > 0
    paused = [event.step for event in run.events if isinstance(event, StateChanged)]
    assert paused == [1] * (len(paused) - 1) + [4]
    (changed,) = (event for event in run.events if isinstance(event, ControlApplied))
    assert (changed.first_step, changed.lr) == (2, 0.01)
    assert 1 in [event.step for event in run.events if isinstance(event, CheckpointSaved)]
    assert [each.step for each in (run, *(other for other, _ in others))] == [4] * results.count
    assert same([run.model, *(other.model for other, _ in others)])
    limited: list[Trained] = results.of("limited")
    assert {each.step for each in limited} == {limited[0].step}
    assert all("time limit" in each.completed.reason for each in limited)


def test_a_rank_that_fails_is_named_and_ends_the_others(results: Results):
    _, text, code = FAILURES[results.count]
    first, failed, *others = results.of("failing")
    assert isinstance(failed, ValueError) or failed.completed.exit_code == code
    for each in (first, *others):
        assert each.completed.state == "failed"
        assert "rank 1 (host " in each.completed.reason
        assert text in each.completed.reason
        assert each.completed.exit_code == code


def test_torchrun_describes_a_rank_by_variables():
    assert Launch.from_environment({"RANK": "1"}) is None
    variables = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    variables |= {"GROUP_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "job"}
    variables |= {"TORCHELASTIC_RESTART_COUNT": "1"}
    assert Launch.from_environment(variables) == Launch(3, 4, 1, 2, 2, "job", 1)
