"""Loading data reports its progress, and stops on request."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from datasets import DataDamaged, read_dataset
from datasets.dataset import Data, DataSpec, Split
from datasets.reading import progress as progress_module
from datasets.reading.progress import LoadingStopped, Progress, ProgressReporter
from tests.pilot import Sitting, in_app
from tests.program import LONGEST, tutorch
from tui_app.headless import loading_progress
from tui_app.headless.loading_progress import show_loading
from tui_app.runs.event_text import loading_detail
from tui_app.training.data import device_split
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.data.finite_data import refuse_non_finite
from tui_app.training.steering.control import Control


@pytest.fixture
def often(monkeypatch):
    """Reports aren't throttled."""
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)


def images(folder: Path, count: int = 20) -> str:
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number * 10).save(path)
    return f"folder:{folder}"


def until(step: str, at_least: int) -> tuple[Callable[[Progress], None], Callable[[], bool]]:
    """A progress listener, and a stop requested once `step` has been reported."""
    seen: list[Progress] = []

    def stopped() -> bool:
        return bool(seen) and seen[-1].step == step and seen[-1].done >= at_least

    return seen.append, stopped


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("step", ["reading images", "measuring the pixels"])
def test_reading_a_folder_stops_in_the_middle(tmp_path, step):
    on_progress, stopped = until(step, 0 if step.startswith("measuring") else 3)
    with pytest.raises(LoadingStopped):
        read_dataset(images(tmp_path), None, ProgressReporter(on_progress, stopped))


@pytest.mark.usefixtures("often")
def test_the_first_image_is_reported_before_the_second_is_read(tmp_path):
    seen: list[Progress] = []
    read_dataset(images(tmp_path), None, ProgressReporter(seen.append))
    of_images = [progress for progress in seen if progress.step == "reading images"]
    assert (of_images[0].done, of_images[0].total, of_images[0].unit) == (0, 20, "images")
    assert {progress.done for progress in of_images} >= set(range(20))


def test_reports_are_few_and_checks_for_a_stop_many():
    seen: list[Progress] = []
    checks = iter(range(10_000))
    step = ProgressReporter(seen.append, lambda: next(checks) > 5_000)
    with pytest.raises(LoadingStopped):
        for number in range(10_000):
            step.advance(number, 10_000, "rows")
    assert next(checks) == 5_002
    assert 1 <= len(seen) < 100


def test_hashing_the_data_stops_and_gives_the_same_digits_in_pieces(monkeypatch):
    values = np.arange(4000, dtype=np.float32).reshape(1000, 4)
    split = Split(values, values[:, :1])
    data = Data(
        DataSpec((4,), "regression"), split, None, encode=lambda _: values[0], input_help=""
    )
    whole = data.fingerprint()
    monkeypatch.setattr("datasets.reading.data.HASHED_BYTES", 100)
    assert data.fingerprint() == whole
    with pytest.raises(LoadingStopped):
        data.fingerprint(ProgressReporter(stopped=lambda: True))


def test_images_are_scaled_in_pieces_to_the_same_bits(monkeypatch):
    pixels = np.random.RandomState(0).randint(0, 256, (50, 1, 4, 4)).astype(np.uint8)
    split = Split(pixels, np.zeros(50, np.int64))
    spec = DataSpec((1, 4, 4), "multiclass", ("a", "b"))
    data = Data(spec, split, None, lambda _: pixels[0], "", mean=(0.4,), std=(0.3,))
    cpu = torch.device("cpu")
    whole = DeviceSplit.of(split, data, cpu).inputs
    monkeypatch.setattr(device_split, "_PIECE", 100)
    assert torch.equal(DeviceSplit.of(split, data, cpu).inputs, whole)
    with pytest.raises(LoadingStopped):
        DeviceSplit.of(split, data, cpu, ProgressReporter(stopped=lambda: True))


def test_the_check_for_non_finite_values_stops_and_names_the_sample():
    values = np.zeros((30_000, 2), np.float32)
    split = Split(values, values)
    with pytest.raises(LoadingStopped):
        refuse_non_finite("x", {"train": split}, ProgressReporter(stopped=lambda: True))
    values[20_001] = np.nan
    with pytest.raises(DataDamaged, match="sample 20002 of the train set has inputs"):
        refuse_non_finite("x", {"train": split}, ProgressReporter())


def progress(done: int, mirror: str = "") -> Progress:
    what = {"action": "fetching", "subject": "x.gz", "unit": "bytes"} if mirror else {}
    return Progress(
        **{"action": "reading", "subject": "images", "unit": "images", **what},
        done=done,
        total=60_000,
        rate=100.0,
        seconds_left=(60_000 - done) / 100,
        mirror=mirror,
    )


def test_progress_in_words():
    assert loading_detail(progress(12_000)) == "12,000 of 60,000, 8 min 0 s left"
    assert loading_detail(progress(60_000)) == "60,000 of 60,000"
    assert loading_detail(replace(progress(7), total=0, seconds_left=None)) == "7"
    assert loading_detail(progress(15_000, "x.org")).startswith("25 % at 0.0 MB/s, 7 min")


def test_a_pipe_gets_a_line_at_intervals(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(loading_progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    out = io.StringIO()
    with show_loading(Console(file=out, width=200)) as on_progress:
        for second in range(30):
            clock[0] = second
            on_progress(progress(2000 * second))
        clock[0] = 31
        on_progress(progress(0, "[bold]x.org\x1b[2J"))
    lines = out.getvalue().splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "reading images: 4",
        "reading images: 24",
        "reading images: 44",
        "fetching x.gz: 0 % at 0.0 MB/s",
    ]
    assert "[bold]x.org" in lines[-1]
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_a_bar_for_longer_steps(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(loading_progress, "_BAR_AFTER", 1.0)
    monkeypatch.setattr(loading_progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, _environ={})
    with show_loading(console) as on_progress:
        on_progress(progress(0))
        assert not out.getvalue()
        clock[0] = 1.5
        on_progress(progress(1_500))
    assert "reading images" in out.getvalue()
    assert "1,500 of 60,000, 9 min 45 s left" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[1A\x1b[2K"), "and none is left in the end"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_the_reading_of_a_headless_run(
    tmp_path, monkeypatch, number, exit_code
):
    requested, steps = threading.Event(), []
    stop = Control.stop

    def stopping(self: Control, *reason: object) -> None:
        stop(self, *reason)  # type: ignore[arg-type]
        requested.set()

    def on_progress(_: object, progress: Progress) -> None:
        steps.append((progress.step, progress.done))
        if steps[-1] == ("reading images", 5):
            os.kill(os.getpid(), number)
            assert requested.wait(LONGEST)

    monkeypatch.setattr(Control, "stop", stopping)
    monkeypatch.setattr(loading_progress._Lines, "__call__", on_progress)
    ended = tutorch("--no-tui", "softmax", "--dataset", images(tmp_path), "--runs-dir", tmp_path)
    assert ended.exit_code == exit_code
    assert steps[-1] == ("reading images", 5)
    assert "stopped while the data were loaded" in ended.err
    assert not list(tmp_path.glob("lecture_*"))


@in_app("softmax", dataset="folder:images")
async def test_the_app_shows_the_progress_of_reading_and_stops_it(person: Sitting, monkeypatch):
    advance = ProgressReporter.advance

    def waiting(self: ProgressReporter, done: int, total: int, subject: str, **words: str) -> None:
        advance(self, done, total, subject, **words)  # type: ignore[arg-type]
        while (done, subject) == (3, "images") and not self.stopped():
            threading.Event().wait(0.01)

    monkeypatch.setattr(ProgressReporter, "advance", waiting)
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    images(Path("images"))
    await person.until(lambda: person.form.can_start)
    await person.press("s")
    await person.until(lambda: "reading images: 3 of 20" in person.text)
    await person.press("x")
    await person.until(lambda: "cancelled" in person.text)
