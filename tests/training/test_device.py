"""The choice of a device, and which GPU an index means to torch and to NVIDIA's driver."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
import torch
from torch import nn

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tui_app.inspection.probe_context import ProbeContext, context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.monitoring import system_stats
from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.events import Event, StepsCompleted
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.cpu_trial import step_work
from tui_app.training.devices import device as devices
from tui_app.training.devices import nvidia
from tui_app.training.devices.device import DeviceInfo, choose_device
from tui_app.training.prepare import read_data
from tui_app.training.resume import resume_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that counts card b first; a handle is the card's UUID."""
    utilization = {"GPU-a": SimpleNamespace(gpu=11), "GPU-b": SimpleNamespace(gpu=22)}
    monkeypatch.setattr("pynvml.nvmlInit", lambda: None)
    monkeypatch.setattr("pynvml.nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr("pynvml.nvmlDeviceGetHandleByIndex", ("GPU-b", "GPU-a").__getitem__)
    monkeypatch.setattr("pynvml.nvmlDeviceGetUtilizationRates", utilization.get)


@pytest.mark.usefixtures("two_gpus")
def test_the_driver_is_asked_about_the_card_that_torch_means(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(
        "torch.cuda.get_device_properties", lambda index: SimpleNamespace(uuid="ab"[index])
    )
    assert [nvidia.gpu_handle(index) for index in (0, 1)] == ["GPU-a", "GPU-b"]
    assert "GPU 0   11 %" in system_stats.read_system_stats("cuda:0")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("visible", "handles"),
    [("1,0", ["GPU-a", "GPU-b"]), ("GPU-a,GPU-b", ["GPU-a", "GPU-b"]), ("", ["GPU-b", "GPU-a"])],
)
def test_a_program_without_cuda_goes_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, visible: str, handles: list[str]
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [nvidia.gpu_handle(index) for index in (0, 1)] == handles


def test_a_part_of_a_card_is_found_by_its_own_uuid(monkeypatch: pytest.MonkeyPatch):
    """torch gives the UUID of a MIG instance without saying what it is of."""

    def handle(uuid: str) -> str:
        if not uuid.startswith("MIG-"):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return uuid

    monkeypatch.setattr("pynvml.nvmlInit", lambda: None)
    monkeypatch.setattr("pynvml.nvmlDeviceGetHandleByUUID", handle)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    for uuid in ("c", "MIG-c"):
        properties = SimpleNamespace(uuid=uuid)
        monkeypatch.setattr("torch.cuda.get_device_properties", lambda index, p=properties: p)
        assert nvidia.gpu_handle(0) == "MIG-c"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-c")
    assert nvidia.gpu_handle(0) == "MIG-c"


def test_auto_is_the_gpu_with_the_most_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {0: 10, 1: 20}
    queried: list[str] = []

    def query(name: str) -> DeviceInfo | None:
        queried.append(name)
        there = [*(f"cuda:{index}" for index in free), "cpu"]
        return DeviceInfo(name, name) if name in there else None

    monkeypatch.setattr(devices, "_cuda_count", lambda: len(free))
    monkeypatch.setattr(devices, "free_memory", lambda index: free[index])
    monkeypatch.setattr(devices, "query_device", query)
    current: list[str] = []
    monkeypatch.setattr("torch.cuda.set_device", current.append)
    assert choose_device("auto").name == "cuda:1"
    assert choose_device("cuda").name == "cuda:1"
    assert choose_device("cuda:0").name == "cuda:0"
    assert choose_device("cpu").name == "cpu"
    assert queried == ["cuda:1", "cuda:1", "cuda:0", "cpu"], "other GPUs are not initialised"
    assert current == ["cuda:1", "cuda:1", "cuda:0"], "the thread's own `.cuda()` means the same"
    with pytest.raises(DeviceUnavailable, match="cuda:0, cuda:1, cpu"):
        choose_device("cuda:2")
    free.clear()
    assert choose_device("auto").name == "cpu"
    with pytest.raises(InvalidValue, match="cude:0"):
        choose_device("cude:0")


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One healthy GPU; the devices that were initialised."""
    queried: list[str] = []

    def query(name: str) -> DeviceInfo:
        queried.append(name)
        return DeviceInfo(name, name)

    monkeypatch.setattr(devices, "_cuda_count", lambda: 1)
    monkeypatch.setattr(devices, "free_memory", lambda index: 7)
    monkeypatch.setattr(devices, "query_device", query)
    monkeypatch.setattr("torch.cuda.set_device", lambda name: None)
    return queried


def test_auto_is_the_cpu_for_a_step_too_small_for_a_gpu(one_gpu: list[str]):
    chosen = choose_device("auto", lambda: 58_000.0)
    assert chosen.name == "cpu"
    assert "too small a step for a GPU: 58,000" in chosen.reason
    assert one_gpu == [], "the GPU is not initialised"
    assert choose_device("auto", lambda: 3.7e7) == DeviceInfo("cuda:0", "cuda:0")
    assert choose_device("cuda", lambda: 1.0).name == "cuda:0"


def test_without_a_gpu_nothing_is_weighed():
    def weigh() -> float:
        raise AssertionError("it builds the model once more")

    assert choose_device("auto", weigh) == devices.cpu_info()


@pytest.mark.parametrize(
    ("lecture", "is_worth"),
    [("02", False), ("05", False), ("07", False), ("09_softmax", True), ("10_basic", True)],
)
def test_three_points_are_not_worth_a_gpu(lecture: str, *, is_worth: bool):
    settled = resolve_settings(load_lecture(find_lecture(lecture)), {})
    work = step_work(settled, read_data(settled))
    assert (work >= devices.WORTH_A_GPU) == is_worth


def test_a_model_that_needs_a_gpu_gets_one():
    class Moves(nn.Module):
        def __init__(self, *_: object) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x.to("meta"))

    lecture = replace(load_lecture(find_lecture("05")), model=Moves)
    settled = resolve_settings(lecture, {})
    assert step_work(settled, read_data(settled)) == math.inf


@pytest.mark.usefixtures("one_gpu")
def test_the_log_says_why_a_run_is_not_on_the_gpu(tmp_path: Path):
    from tests.training.test_resume import begin, settings

    session, _ = begin(settings(tmp_path, "05", epochs=2))
    assert session.folder.read_record().device == "cpu"
    assert "on cpu (too small a step for a GPU: " in session.folder.log.read_text()


def test_devices_are_listed_without_being_initialised(
    one_gpu: list[str], monkeypatch: pytest.MonkeyPatch
):
    card = SimpleNamespace(name="H100", total_memory=80)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: card)
    assert devices.listed_devices() == [
        DeviceInfo("cuda:0", "H100", 7, 80),
        devices.cpu_info(),
    ]
    assert one_gpu == []


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [("cpu", "cpu"), ("cuda:7", "auto"), ("\x1b[31m", "auto"), ("", "auto")],
)
def test_a_replay_is_on_the_runs_device_where_there_is_one(recorded: str, expected: str):
    assert devices.recorded_or_auto(recorded) == expected


@pytest.mark.gpu
@pytest.mark.gpu_numbers
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_what_the_cpu_trains(tmp_path: Path) -> None:
    from tests.training.test_resume import begin, settings

    losses = []
    for name in ("cpu", "cuda"):
        session, completed = begin(settings(tmp_path / name, device=name))
        assert completed.state == "completed"
        losses.append(completed.best_value)
        assert session.folder.best().exists()
    # Both devices round differently: after some epochs a few samples differ.
    assert losses[0] == pytest.approx(losses[1], abs=0.03)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("is_earlier", [False, True])
def test_a_run_resumes_on_another_card_with_its_random_numbers(
    tmp_path: Path, *, is_earlier: bool
) -> None:
    from tests.training.test_resume import begin, settings

    last = torch.cuda.device_count() - 1
    session, _ = begin(settings(tmp_path, epochs=1, device=f"cuda:{last}"))
    state = load_checkpoint(session.folder.last)
    saved = state["rng"]["cuda"]
    if is_earlier:  # it had a list of all cards
        state["rng"]["cuda"] = [torch.zeros_like(saved)] * last + [saved]
        save_checkpoint(session.folder.last, state)
    torch.cuda.manual_seed_all(7)
    control = Control()
    given = {"epochs": 2, "device": "cuda:0"}
    resumed = resume_run(session.folder, control, lambda progress: None, **given)
    assert torch.equal(torch.cuda.get_rng_state(0), saved)
    assert resumed.train(control, []).state == "completed"
    assert "no random numbers" not in session.folder.log.read_text()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")
def test_a_model_of_another_card_leaves_the_run_its_own(tmp_path: Path) -> None:
    from tests.training.test_resume import begin, settings

    other, _ = begin(settings(tmp_path / "other", epochs=1, device="cuda:1"))
    loaded: list[ProbeContext] = []
    in_probes: list[int] = []
    in_run: list[int] = []

    def show(_: Training) -> None:
        loaded[:] = loaded or [context_of_run(other.folder)]
        run_probe(loaded[0], lambda context, query: in_probes.append(torch.cuda.current_device()))

    def look(event: Event) -> None:
        if isinstance(event, StepsCompleted):
            in_run.append(torch.cuda.current_device())

    control = Control()
    shown = [control.request(show) for _ in range(2)]
    begin(settings(tmp_path, epochs=1, device="cuda:0"), look, control=control)
    for result in shown:
        result.result(0)
    assert in_probes == [1, 1]
    assert set(in_run) == {0}
