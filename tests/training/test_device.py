"""The choice of a device, and which GPU an index means to torch and to NVIDIA's driver."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
import torch

from models.fields import InvalidValue
from tui_app.monitoring import system_stats
from tui_app.runs.errors import DeviceUnavailable
from tui_app.training.devices import device as devices
from tui_app.training.devices import nvidia
from tui_app.training.devices.device import DeviceInfo, choose_device


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
