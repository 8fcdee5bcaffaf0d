"""Reading metrics.jsonl takes linear time and bounded memory, and can be stopped."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.reading.progress import LoadingStopped
from tests.pilot import in_app, recorded_folder
from tests.program import tutorch
from tui_app.app.widgets.run_pane import RunPane
from tui_app.inspection.diagnosis.recorded_observations import RecordedObservations
from tui_app.monitoring import recorded_run
from tui_app.monitoring.history import History
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.events import BestImproved, ControlApplied, EpochCompleted, Event, StepsCompleted
from tui_app.runs.files import bounded_lines
from tui_app.runs.files.bounded_lines import LineSplitter, lines_backwards
from tui_app.runs.metrics import metrics_file
from tui_app.runs.metrics.metrics_file import (
    last_event,
    read_events,
    read_events_backwards,
    read_records,
)
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.metrics.packed_epochs import MOST_VALUES, PackedEpochs
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.training.resume import resume_run
from tui_app.training.steering.control import Control

Trained = Callable[..., Path]


def steps(first: int, count: int = 2, **more: Any) -> str:
    values = {"kind": "steps", "run": "r", "epoch": 1, "first_step": first, "lr": 0.1}
    return json.dumps({**values, "losses": [0.5] * count, **more}) + "\n"


EPOCH = (
    '{"kind": "epoch", "run": "r", "epoch": 1, "step": 4, "lr": 0.1, "seconds": 0.1, '
    '"samples_per_second": 1.0, "train_loss": 0.5}\n'
)


def shrink(monkeypatch: pytest.MonkeyPatch, longest: int, chunk: int) -> None:
    monkeypatch.setattr(bounded_lines, "LONGEST_LINE", longest)
    monkeypatch.setattr(bounded_lines, "CHUNK", chunk)


class Counted(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size)
        self.bytes_read += len(block)
        return block


@given(
    pieces=st.lists(st.sampled_from([b"", b"a", b"\r", b"bcd", b"e" * 9, b"f" * 30]), max_size=8),
    is_cut=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_both_ways_give_the_same_lines_whatever_the_chunks(
    pieces: list[bytes], is_cut: bool, chunk: int
):
    content = b"".join(piece + b"\n" for piece in pieces) + (b"rest" if is_cut else b"")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch, longest=20, chunk=chunk)
        splitter, forwards = LineSplitter(), []
        for at in range(0, len(content), chunk):
            forwards += splitter.lines(content[at : at + chunk])
        file = Counted(content)
        backwards = list(lines_backwards(file, len(content)))
    assert forwards == [piece for piece in pieces if len(piece) <= 20]
    assert splitter.skipped == pieces.count(b"f" * 30)
    assert splitter.rest() == [b"rest" if is_cut else b""]
    assert file.bytes_read == len(content)
    expected = [b"" if len(piece) > 20 else piece + b"\n" for piece in pieces]
    expected += [b"rest"] if is_cut else []
    assert [line for line, _ in backwards] == expected[::-1]
    for line, offset in backwards:
        assert content[offset:].startswith(line)


def test_a_line_that_is_too_long_is_skipped_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shrink(monkeypatch, longest=20_000, chunk=4096)
    path, told = tmp_path / "metrics.jsonl", list[str]()
    path.write_text(steps(1) + steps(3, 500_000) + steps(3) + EPOCH)  # 2.5 MB in one line
    tracemalloc.start()
    try:
        assert [block.first_step for block in read_records(path, StepsCompleted)] == [1, 3]
        last = last_event(path, StepsCompleted)
        assert last is not None
        assert last.first_step == 3
        assert last_event(path, BestImproved) is None
        backwards = [event.kind for event in read_events_backwards(path, Event)]
        assert backwards == ["epoch", "steps", "steps"]
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert len(list(read_events(path, Event, on_skipped=told.append))) == 3
    assert told == ["metrics.jsonl: skipped a line longer than 0 MB, which tutorch doesn't write"]
    rewind_metrics(path, 0, 2)
    assert path.read_text() == steps(1)


def test_a_run_with_a_line_that_is_too_long_is_shown_monitored_and_resumed(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
):
    run = trained("04", "--epochs", "2")
    shrink(monkeypatch, longest=5000, chunk=4096)
    whole = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(steps(1, 5000) + whole)
    (run / "log.txt").write_text("x" * 30_000 + "\n" + (run / "log.txt").read_text())
    shown = tutorch("show", run)
    assert shown.exit_code == 0
    assert "metrics.jsonl: skipped a line longer than" in shown.err
    assert len(tutorch("show", run, "--json").json["epoch_values"]) == 2
    followed = RecordedRun(RunFolder(run))
    assert followed.stage == "reading metrics.jsonl: 0%"
    while not followed.is_over:
        followed.poll()
    assert followed.stage == ""
    assert followed.history.epoch == 2
    texts = [line.text for line in followed.history.log.lines if line.kind == "warning"]
    assert [text.partition(":")[0] for text in texts] == ["metrics.jsonl", "log.txt"]
    resumed = tutorch("resume", run, "--epochs", 3, "--no-tui")
    assert resumed.exit_code == 0
    assert "skipped a line longer than" in (run / "log.txt").read_text()
    assert "skipped a line longer than" in resumed.err


def test_lines_of_other_kinds_than_requested_are_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, parsed = tmp_path / "metrics.jsonl", list[bytes]()
    path.write_text(EPOCH + "".join(steps(first) for first in range(1, 200, 2)) + EPOCH)
    parse = metrics_file.decode
    monkeypatch.setattr(metrics_file, "decode", lambda line: parsed.append(line) or parse(line))
    assert last_event(path, BestImproved) is None
    assert list(read_events(path, ControlApplied)) == []
    assert len(list(read_events(path, EpochCompleted))) == 2
    assert list(filter(None, parsed)) == [EPOCH.rstrip("\n").encode()] * 2


def test_reading_ends_once_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shrink(monkeypatch, longest=10**6, chunk=1000)
    path, asked = tmp_path / "metrics.jsonl", list[int]()
    path.write_text("".join(steps(first) for first in range(1, 2000, 2)))
    before = path.read_bytes()

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    lines = read_records(path, Event, PackedEpochs, stopped=stopped)
    read = []
    with pytest.raises(LoadingStopped):
        read.extend(lines)
    assert len(asked) == 4
    asked.clear()
    with pytest.raises(LoadingStopped):
        rewind_metrics(path, 0, 0, stopped)
    assert len(asked) == 4
    assert path.read_bytes() == before


def test_a_stop_while_metrics_are_rewound_ends_the_resume(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
):
    """The metrics are unchanged, and the run can be resumed afterwards."""
    run, control = trained("04", "--epochs", "2"), Control()
    with (run / "metrics.jsonl").open("a") as file:  # as if it had trained on after its last save
        file.writelines(steps(first, 1) for first in range(7, 40))
    before = (run / "metrics.jsonl").read_bytes()
    write_record = RunFolder.write_record

    def write_and_stop(folder: RunFolder, record: RunRecord) -> None:
        write_record(folder, record)
        control.stop()

    monkeypatch.setattr(RunFolder, "write_record", write_and_stop)
    with pytest.raises(LoadingStopped):
        resume_run(RunFolder(run), control, lambda progress: None, epochs=3)
    assert (run / "metrics.jsonl").read_bytes() == before
    monkeypatch.undo()
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0


def test_a_run_of_a_million_steps_is_monitored_without_a_pause(tmp_path: Path):
    """Its file is read in parts, so that the screen stays responsive."""
    folder = recorded_folder(tmp_path)
    lines = [steps(first, 1000) for first in range(1, 1_000_000, 1000)]
    folder.metrics.write_text("".join(lines))
    followed, shares = RecordedRun(folder), []
    while followed.stage:
        shares.append(followed.stage)
        followed.poll()
    assert followed.history.step == 1_000_000
    assert len(shares) < 50


def test_no_line_makes_memory_grow_beyond_its_size(tmp_path: Path):
    """Gaps of millions of steps, thousands of values per epoch, columns of one repeated value."""
    path, history, recorded = tmp_path / "metrics.jsonl", History(), RecordedObservations()
    names = {f"x{number}_loss": 1.0 for number in range(3000)}
    block = {"kind": "epochs", "run": "r", "epoch": 1, "first_step": 1, "steps": 1, "lr": 0.1}
    block |= {"lr_after": 0.1, "seconds": 0.1, "samples_per_second": 1.0, "where": {}}
    block |= {"best": "0" * 3000, "metric": "", "losses": [0] * 3000, "values": names}
    epochs = [json.loads(EPOCH) | {f"y{line}_{n}": 1.0 for n in range(20)} for line in range(20)]
    gaps = [json.loads(steps(9_000_000 * number)) for number in range(1, 20)]
    lines = [block, *epochs, *gaps]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tracemalloc.start()
    try:
        for record in read_records(path, Event, PackedEpochs):
            history.record(record, log=False)
            recorded.add(record)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert len(history.losses) < 10**7
    assert len(history.epochs.values) == MOST_VALUES


@in_app()
async def test_a_screen_that_reads_draws_only_now_and_then(
    person: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Drawing the chart after each part that was read would take hours."""
    folder = recorded_folder(tmp_path / "runs")
    folder.metrics.write_text("".join(steps(first, 50) for first in range(1, 50_000, 50)))
    monkeypatch.setattr(recorded_run, "_CHUNK", 5000)
    monkeypatch.setattr(recorded_run, "_POLL_SECONDS", 0.0005)
    polls, draws = list[int](), list[int]()
    poll, draw = RecordedRun.poll, RunPane.draw
    monkeypatch.setattr(RecordedRun, "poll", lambda run: polls.append(1) or poll(run))
    monkeypatch.setattr(RunPane, "draw", lambda pane: draws.append(1) or draw(pane))
    person.app.open_run(folder)
    await person.until(lambda: "step 50 000" in person.sentence)
    assert len(polls) > 10
    assert len(draws) < len(polls) / 2
