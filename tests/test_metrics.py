"""metrics.jsonl: compact, readable by anything, and cut back exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_app.training.events import BestImproved, EpochCompleted, RunCompleted, StepsCompleted
from tui_app.training.metrics_file import MetricsFile, read_metrics, rewind_metrics


def write(path: Path, epochs: int, steps: int = 3) -> None:
    metrics = MetricsFile(path)
    for epoch in range(1, epochs + 1):
        first = (epoch - 1) * steps + 1
        losses = tuple(1 / (first + i) for i in range(steps))
        metrics(StepsCompleted(run="r", epoch=epoch, first_step=first, lr=0.1, losses=losses))
        last = first + steps - 1
        metrics(
            EpochCompleted(
                run="r",
                epoch=epoch,
                step=last,
                lr=0.1,
                seconds=0.1,
                samples_per_second=10.0,
                values={"train_loss": 0.5, "test_loss": float("nan")},
            )
        )
        metrics(BestImproved(run="r", epoch=epoch, step=last, metric="test_loss", value=0.5))
    metrics.close()


def test_a_line_is_json_that_any_reader_takes(tmp_path: Path) -> None:
    write(tmp_path / "metrics.jsonl", 1)
    lines = [
        json.loads(line, parse_constant=pytest.fail)
        for line in (tmp_path / "metrics.jsonl").read_text().splitlines()
    ]
    assert [line["kind"] for line in lines] == ["steps", "epoch", "best"]
    assert lines[1]["train_loss"] == 0.5
    assert lines[1]["test_loss"] is None


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (1, 3), (1, 6), (40, 120), (41, 123)])
def test_what_came_after_the_checkpoint_is_cut_off(tmp_path: Path, epoch: int, step: int) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 60)
    with path.open("a") as file:
        file.write('{"kind": "steps", "first')  # cut off by a crash
    rewind_metrics(path, epoch, step)
    lines = list(read_metrics(path))
    losses = [loss for line in lines if line["kind"] == "steps" for loss in line["losses"]]
    assert len(losses) == step
    assert sum(line["kind"] == "epoch" for line in lines) == epoch
    assert sum(line["kind"] == "best" for line in lines) == epoch


def test_lines_longer_than_a_read_are_cut_back_too(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 4, steps=20_000)
    rewind_metrics(path, 2, 40_000)
    assert [line["kind"] for line in read_metrics(path)] == ["steps", "epoch", "best"] * 2


def test_the_end_of_a_stopped_run_is_not_the_end_of_the_resumed_one(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 1)
    metrics = MetricsFile(path)
    metrics(
        RunCompleted(
            run="r",
            state="stopped",
            reason="Ctrl-C",
            exit_code=130,
            epoch=1,
            step=3,
            seconds=1.0,
            metric="test_loss",
            best_value=0.5,
            best_epoch=1,
        )
    )
    metrics.close()
    rewind_metrics(path, 1, 3)
    assert [line["kind"] for line in read_metrics(path)] == ["steps", "epoch", "best"]


def test_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 1)
    path.write_bytes(b"\xff\xfe nonsense\n[1, 2]\n" + path.read_bytes())
    assert [line["kind"] for line in read_metrics(path)] == ["steps", "epoch", "best"]
