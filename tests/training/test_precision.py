"""TensorFloat-32 is on while a run that asks for it trains, and at no other time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from models import find_lecture
from models.loading.load import load_lecture
from tests.training.test_resume import begin, settings
from tui_app.inspection.probe_context import context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.events import Event, StepsCompleted
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.build_model import wants_channels_last
from tui_app.training.devices import precision
from tui_app.training.devices.precision import has_tf32, products_in, products_meanwhile_in
from tui_app.training.state import Training
from tui_app.training.steering.control import Control

MATMUL: Any = torch.backends.cuda.matmul


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Tests leave the setting off, as it is by default."""
    assert not MATMUL.allow_tf32
    yield
    MATMUL.allow_tf32 = False


@pytest.fixture
def ampere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device has TF32."""
    monkeypatch.setattr(precision, "has_tf32", lambda device: True)


@pytest.mark.usefixtures("ampere")
def test_it_is_on_meanwhile_and_then_as_before_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for before in (False, True):
            MATMUL.allow_tf32 = before
            for name, expected in {"tf32": True, "fp32": before, "bf16": before}.items():
                with suppress(ZeroDivisionError), products_in(name, "cuda:0"):
                    assert MATMUL.allow_tf32 == expected
                    raise ZeroDivisionError
                assert MATMUL.allow_tf32 == before
        assert torch.get_float32_matmul_precision() == "high"  # it raises if two settings differ


@pytest.mark.usefixtures("ampere")
def test_a_run_that_is_stuck_leaves_the_next_its_own_precision():
    stuck = products_in("tf32", "cuda:0")
    stuck.__enter__()
    with products_in("fp32", "cuda:0"):
        assert not MATMUL.allow_tf32
    with products_in("tf32", "cuda:0"):
        stuck.__exit__(None, None, None)
        assert MATMUL.allow_tf32
    assert not MATMUL.allow_tf32


@pytest.mark.usefixtures("ampere")
@pytest.mark.parametrize("running", ["fp32", "tf32"])
@pytest.mark.parametrize("probed", ["fp32", "tf32"])
def test_a_probe_leaves_the_run_its_precision(tmp_path: Path, running: str, probed: str):
    other, _ = begin(settings(tmp_path / "other", epochs=1, precision=probed, device="cpu"))
    in_probe: list[bool] = []
    in_run: list[bool] = []

    def show(_: Training) -> None:
        context = context_of_run(other.folder, "cpu")
        run_probe(context, lambda context, query: in_probe.append(MATMUL.allow_tf32))

    def look(event: Event) -> None:
        if isinstance(event, StepsCompleted):
            in_run.append(MATMUL.allow_tf32)

    control = Control()
    shown = control.request(show)
    begin(settings(tmp_path, epochs=1, precision=running, device="cpu"), look, control=control)
    shown.result(0)
    assert in_probe == [probed == "tf32"]
    assert set(in_run) == {running == "tf32"}
    assert not MATMUL.allow_tf32


@pytest.mark.usefixtures("ampere")
@pytest.mark.parametrize("probed", ["fp32", "tf32"])
def test_a_stuck_probe_leaves_the_next_run_its_own_precision(probed: str):
    with ExitStack() as stuck:
        stuck.enter_context(products_in("tf32", "cuda:0"))
        stuck.enter_context(products_meanwhile_in(probed, "cuda:0"))
        with products_in("fp32", "cuda:0"):
            stuck.close()
            assert not MATMUL.allow_tf32
    assert not MATMUL.allow_tf32


@pytest.mark.parametrize(
    ("capability", "hip", "expected"),
    [((7, 5), None, False), ((8, 0), None, True), ((9, 0), None, True), ((9, 4), "6.2", False)],
)
def test_ampere_and_newer_cards_have_it(
    capability: tuple[int, int],
    hip: str | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    monkeypatch.setattr("torch.version.hip", hip)
    assert has_tf32(torch.device("cuda:1")) == expected
    assert not has_tf32(torch.device("cpu"))


@pytest.mark.usefixtures("ampere")
def test_a_run_trains_with_it(tmp_path: Path):
    seen: list[bool] = []

    def look(event: Event) -> None:
        if isinstance(event, StepsCompleted):
            seen.append(MATMUL.allow_tf32)

    begin(settings(tmp_path, epochs=1, precision="tf32", device="cpu"), look)
    assert seen
    assert all(seen)
    assert not MATMUL.allow_tf32


def test_without_effect_it_is_a_note(tmp_path: Path):
    session, _ = begin(settings(tmp_path, epochs=1, precision="tf32", device="cpu"))
    assert "precision tf32 has no effect on cpu" in session.folder.log.read_text()
    assert session.folder.read_record().options["precision"] == "tf32"
    session, _ = begin(settings(tmp_path, epochs=1, device="cpu"))
    assert "no effect" not in session.folder.log.read_text()


@pytest.mark.parametrize(
    ("device", "given", "expected"),
    [
        ("cpu", {}, True),
        ("cpu", {"precision": "bf16"}, True),
        ("cpu", {"optimizer": "lbfgs"}, False),
        ("cuda", {}, False),
        ("cuda", {"precision": "tf32"}, True),
        ("cuda", {"precision": "bf16"}, True),
        ("cuda", {"precision": "bf16", "optimizer": "lbfgs"}, False),
        ("mps", {"precision": "bf16"}, False),
    ],
)
def test_where_channels_come_last(device: str, given: dict[str, str], *, expected: bool):
    settled = resolve_settings(load_lecture(find_lecture("10_basic")), given)
    assert wants_channels_last(nn.Conv2d(1, 2, 3), settled, device) == expected
    assert not wants_channels_last(nn.Linear(1, 2), settled, device)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_run_on_a_gpu_trains_with_it(tmp_path: Path):
    expected = has_tf32(torch.device("cuda:0"))
    seen: list[tuple[bool, int]] = []

    def look(event: Event) -> None:
        if isinstance(event, StepsCompleted):
            seen.append((MATMUL.allow_tf32, torch.cuda.current_device()))

    count = torch.cuda.device_count()
    wanted = settings(tmp_path, epochs=1, precision="tf32", device=f"cuda:{count - 1}")
    session, _ = begin(wanted, look)
    assert set(seen) == {(expected, count - 1)}
    assert ("no effect" in session.folder.log.read_text()) != expected
