"""Whatever takes packed epochs whole does with them what it does with the events of each epoch."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from tests.program import metrics_lines
from tests.runs.test_metrics import Clock, short_epochs
from tui_app.headless.console_output import JsonLines, PlainLines
from tui_app.inspection.diagnosis.recorded_observations import RecordedObservations
from tui_app.monitoring.history import History
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.event_text import LogText
from tui_app.runs.events import (
    BestImproved,
    EpochCompleted,
    Event,
    Listener,
    StepsCompleted,
    Warned,
)
from tui_app.runs.files.durable_files import AppendedFile, CutShort
from tui_app.runs.metrics.metrics_codec import Record, encode
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.training.dispatcher import Dispatcher, TakesPacked

EPOCHS = 400


def packed(events: list[Event]) -> PackedEpochs:
    """The epochs of these events."""
    steps = [event for event in events if isinstance(event, StepsCompleted)]
    epochs = [event for event in events if isinstance(event, EpochCompleted)]
    bests = {event.epoch: event for event in events if isinstance(event, BestImproved)}
    block = PackedEpochs(epochs[0].run, epochs[0].epoch, steps[0].first_step, len(steps[0].losses))
    for of_epoch, epoch in zip(steps, epochs, strict=True):
        block.add(of_epoch, epoch)
        assert epoch.epoch not in bests or block.mark_best(bests[epoch.epoch])
    return block


def in_blocks(events: list[Event], seed: int = 0) -> Iterator[Record]:
    """The same epochs, some of them packed: in blocks of 1 to 30 with single ones between them."""
    chance, left = random.Random(seed), list(events)
    while left:
        last = left[0].epoch + chance.choice([0, 5, 29])  # pyright: ignore[reportAttributeAccessIssue]
        some = [event for event in left if event.epoch <= last]  # pyright: ignore[reportAttributeAccessIssue]
        del left[: len(some)]
        if chance.random() < 0.6:
            yield packed(some)
        else:
            yield from some


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("steps", [1, 3])
def test_the_metrics_have_the_same_events(tmp_path: Path, steps: int, seed: int):
    events, path, clock = list(short_epochs(EPOCHS, steps)), tmp_path / "metrics.jsonl", Clock()
    metrics = MetricsFile(path, clock)
    for record in in_blocks(events, seed):
        metrics(record)
        clock.now += 0.01
    metrics.close()
    assert list(metrics_lines(path)) == [json.loads(encode(event)) for event in events]
    assert len(path.read_bytes().splitlines()) < EPOCHS


def test_failing_writes_lose_no_packed_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    events, path, clock = list(short_epochs(EPOCHS)), tmp_path / "metrics.jsonl", Clock()
    metrics, write_out, refused = MetricsFile(path, clock), AppendedFile.write_out, []

    def fail(self: AppendedFile) -> None:
        refused.append(self)
        if len(refused) % 3:
            raise OSError("no space left")
        write_out(self)

    monkeypatch.setattr(AppendedFile, "write_out", fail)
    for record in in_blocks(events):
        with suppress(OSError):
            metrics(record)
        clock.now += 0.01
    monkeypatch.undo()
    metrics.close()
    assert len(refused) > 10
    assert list(metrics_lines(path)) == [json.loads(encode(event)) for event in events]


def test_the_history_and_its_log_are_the_same():
    one_by_one, whole = History(), History()
    for history in (one_by_one, whole):
        history.info = RunInfo("lecture", "data", 5 * EPOCHS, 1)  # so that some have no line
    for event in short_epochs(EPOCHS):
        one_by_one.record(event)
    for record in in_blocks(list(short_epochs(EPOCHS))):
        whole.record(record)
    assert repr(whole.epochs) == repr(one_by_one.epochs)  # NaN is like NaN there
    assert [line.text for line in whole.log.lines] == [line.text for line in one_by_one.log.lines]
    for name in ("losses", "best", "lr", "samples_per_second"):
        assert getattr(whole, name) == getattr(one_by_one, name), name


def test_log_and_console_have_the_same_lines():
    events = list(short_epochs(EPOCHS))

    def printed(records: Iterator[Record]) -> tuple[str, str, list[str]]:
        lines, stream = io.StringIO(), io.StringIO()
        plain = PlainLines(Console(file=lines, width=200))
        as_json, log = JsonLines(stream), LogText()
        plain._epochs, plain._every = EPOCHS, 7
        logged = []
        for record in records:
            plain(record)
            as_json(record)
            logged += log(record)
        return lines.getvalue(), stream.getvalue(), logged

    assert printed(in_blocks(events)) == printed(iter(events))


def test_the_diagnosis_observes_the_same():
    one_by_one, whole = RecordedObservations(), RecordedObservations()
    for event in short_epochs(EPOCHS):
        one_by_one.add(event)
    for record in in_blocks(list(short_epochs(EPOCHS))):
        whole.add(record)
    assert whole.losses == one_by_one.losses
    assert repr(whole.epochs) == repr(one_by_one.epochs)


def test_a_listener_gets_packed_epochs_whole_only_if_it_takes_them():
    events = list(short_epochs(20))
    single: list[Event] = []
    whole: list[Record] = []
    dispatcher = Dispatcher([single.append], [single.append, TakesPacked(whole.append)])
    block = packed(events)
    dispatcher.publish(block)
    assert whole == [block]
    assert list(map(encode, single)) == list(map(encode, events)) * 2


@pytest.mark.parametrize(
    ("error", "warnings"), [(OSError("no space left"), 1), (CutShort("it was cut"), 2)]
)
@pytest.mark.parametrize("takes_packed", [True, False])
def test_a_file_that_fails_is_reported(error: OSError, warnings: int, takes_packed: bool):
    def fail(event: Record) -> None:
        if isinstance(event, PackedEpochs) or event.kind == "epoch":
            raise error

    file: Listener = TakesPacked(fail) if takes_packed else fail
    heard: list[Event] = []
    dispatcher = Dispatcher([file], [heard.append])
    for _ in range(2):
        dispatcher.publish(packed(list(short_epochs(1))))
    warned = [event for event in heard if isinstance(event, Warned)]
    assert len(warned) == warnings
    assert (warned[0].epoch, warned[0].step) == (1, 1)
