"""metrics.jsonl: compact, readable by anything, and cut back exactly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.program import metrics_lines
from tui_app.runs.events import (
    BestImproved,
    CheckpointDue,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    Warned,
)
from tui_app.runs.files.durable_files import AppendedFile
from tui_app.runs.metrics.metrics_codec import encode, to_plain
from tui_app.runs.metrics.metrics_file import (
    MetricsFile,
    last_event,
    read_events_backwards,
    read_records,
)
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.metrics.packed_epochs import PackedEpochs

ALL = (Event, PackedEpochs)


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


def test_a_line_is_json_that_any_program_reads(tmp_path: Path) -> None:
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
    lines = list(metrics_lines(path))
    losses = [loss for line in lines if line["kind"] == "steps" for loss in line["losses"]]
    assert len(losses) == step
    assert sum(line["kind"] == "epoch" for line in lines) == epoch
    assert sum(line["kind"] == "best" for line in lines) == epoch


def test_lines_longer_than_a_read_are_cut_back_too(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 4, steps=20_000)
    rewind_metrics(path, 2, 40_000)
    assert [line["kind"] for line in metrics_lines(path)] == ["steps", "epoch", "best"] * 2


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
    assert [line["kind"] for line in metrics_lines(path)] == ["steps", "epoch", "best"]


def test_a_damaged_line_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 1)
    path.write_bytes(b"\xff\xfe nonsense\n[1, 2]\n" + path.read_bytes())
    assert [line["kind"] for line in metrics_lines(path)] == ["steps", "epoch", "best"]


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def short_epochs(count: int, steps: int = 1) -> Iterator[Event]:
    """Epochs, every second of which is evaluated and is the best so far."""
    for epoch in range(1, count + 1):
        first = (epoch - 1) * steps + 1
        losses = tuple(2.0 / (first + i) for i in range(steps))
        lr = 0.1 if epoch < count // 2 else 0.05
        yield StepsCompleted(run="r/é", epoch=epoch, first_step=first, lr=lr, losses=losses)
        values = {"train_loss": losses[-1]} | ({} if epoch % 2 else {"test_loss": 1.0 / epoch})
        if epoch == 7:
            values["train_loss"] = float("nan")
        last = first + steps - 1
        yield EpochCompleted(
            run="r/é",
            epoch=epoch,
            step=last,
            lr=lr,
            seconds=1e-4 * epoch,
            samples_per_second=3000.0,
            values=values,
        )
        if epoch % 2 == 0:
            yield BestImproved(
                run="r/é", epoch=epoch, step=last, metric="test_loss", value=1.0 / epoch
            )


def recorded(path: Path, events: Iterable[Event], seconds: float = 0.001) -> list[dict[str, Any]]:
    """Record the events, `seconds` apart; return each as its own line would have it."""
    clock = Clock()
    metrics = MetricsFile(path, clock)
    told = list(events)
    for event in told:
        metrics(event)
        clock.now += seconds
    metrics.close()
    return [json.loads(encode(event)) for event in told]


@pytest.mark.parametrize("steps", [1, 3])
def test_short_epochs_are_packed_into_one_line_and_read_back_equal(
    tmp_path: Path, steps: int
) -> None:
    path = tmp_path / "metrics.jsonl"
    expected = recorded(path, short_epochs(1000, steps))
    assert [list(line.items()) for line in metrics_lines(path)] == [
        list(line.items()) for line in expected
    ]
    backwards = [to_plain(event) for event in read_events_backwards(path, Event)]
    assert backwards == expected[::-1]
    assert len(list(read_records(path, *ALL))) < 40  # 2.5 s, a line for each tenth
    best = last_event(path, BestImproved)
    assert best is not None
    assert to_plain(best) == expected[-1]
    assert last_event(path, Warned) is None


def test_long_epochs_have_their_own_lines_at_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "metrics.jsonl", Clock()
    metrics = MetricsFile(path, clock)
    for count, event in enumerate(short_epochs(10), 1):
        clock.now += 0.06
        metrics(event)
        if event.kind == "steps":
            assert len(list(read_records(path, *ALL))) == count
    metrics.close()


@pytest.mark.parametrize("after", [1, 30, 31, 60, 61, 89])
def test_events_held_back_are_written_before_a_checkpoint(tmp_path: Path, after: int) -> None:
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path, Clock())
    told = list(short_epochs(60))[:after]
    for event in told:
        metrics(event)
    metrics(CheckpointDue(run="r/é", step=after))
    assert list(metrics_lines(path)) == [json.loads(encode(event)) for event in told]
    metrics.close()


def test_failing_writes_lose_no_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock = tmp_path / "metrics.jsonl", Clock()
    metrics = MetricsFile(path, clock)
    write_out, refused = AppendedFile.write_out, []

    def fail(self: AppendedFile) -> None:
        refused.append(self)
        if len(refused) % 3:
            raise OSError("no space left")
        write_out(self)

    monkeypatch.setattr(AppendedFile, "write_out", fail)
    told = list(short_epochs(400))
    for event in told:
        with suppress(OSError):
            metrics(event)
        clock.now += 0.01
    metrics.close()
    monkeypatch.undo()
    MetricsFile(path).close()
    lines = list(metrics_lines(path))
    assert len(refused) > 10
    assert lines == [json.loads(encode(event)) for event in told][: len(lines)]
    assert len(lines) > 900


@given(epoch=st.integers(0, 50), within=st.integers(0, 3), cut=st.integers(0, 4000))
@example(epoch=48, within=1, cut=1)  # without the newline the last line is still whole
@example(epoch=50, within=0, cut=1)
def test_packed_epochs_are_cut_back_to_any_step(
    tmp_path_factory: pytest.TempPathFactory, epoch: int, within: int, cut: int
) -> None:
    """Also if another program cut the file off within a line."""
    path = tmp_path_factory.mktemp("cut") / "metrics.jsonl"
    expected = recorded(path, short_epochs(50, 3), seconds=0.004)
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
    left = list(metrics_lines(path))
    assert left == expected[: len(left)]
    step = 3 * epoch + within
    rewind_metrics(path, epoch, step)
    assert list(metrics_lines(path)) == [
        line
        for line in left
        if line.get("epoch", 0) <= epoch
        or (line["kind"] == "steps" and line["first_step"] + 2 <= step)
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"best": ""},
        {"best": "2" * 5},
        {"losses": [1.0]},
        {"losses": 5},
        {"steps": 0},
        {"values": {"test_loss": [1.0, "x", 1, 1, 1]}},
        {"values": []},
        {"where": {"train_loss": "01"}},
        {"epoch": None},
        {"lr": [0.1]},
    ],
)
def test_damaged_packed_epochs_are_skipped(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "metrics.jsonl"
    recorded(path, short_epochs(6))
    first, *_, block = path.read_text().splitlines()
    values = json.loads(block)
    assert values["kind"] == "epochs"
    path.write_text(f"{first}\n{json.dumps({**values, **change})}\n")
    assert [line["kind"] for line in metrics_lines(path)] == ["steps"]
    rewind_metrics(path, 6, 6)
    assert [line["kind"] for line in metrics_lines(path)] == ["steps"]


@pytest.mark.parametrize(
    "line", ["", '"first_step": 3', '"lr": 0.1', '"first_step": "3", "lr": 0.1']
)
def test_an_lr_change_without_its_numbers_is_skipped(tmp_path: Path, line: str):
    path = tmp_path / "metrics.jsonl"
    begun = '{"kind": "control", "run": "r"'
    path.write_text(f'{begun}, {line}}}\n{begun}, "first_step": 3, "lr": 0.1}}\n')
    assert [values["lr"] for values in metrics_lines(path)] == [0.1]
