"""Which card an index means: torch's count of the cards, whatever the driver counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tui_app.monitoring import system_stats
from tui_app.training import nvidia


@pytest.fixture(autouse=True)
def _driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that counts card b first; a handle is the card's UUID."""
    utilization = {"GPU-a": SimpleNamespace(gpu=11), "GPU-b": SimpleNamespace(gpu=22)}
    monkeypatch.setattr("pynvml.nvmlInit", lambda: None)
    monkeypatch.setattr("pynvml.nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr("pynvml.nvmlDeviceGetHandleByIndex", ("GPU-b", "GPU-a").__getitem__)
    monkeypatch.setattr("pynvml.nvmlDeviceGetUtilizationRates", utilization.get)


def test_the_driver_is_asked_about_the_card_that_torch_means(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(
        "torch.cuda.get_device_properties", lambda index: SimpleNamespace(uuid="ab"[index])
    )
    assert [nvidia.gpu_handle(index) for index in (0, 1)] == ["GPU-a", "GPU-b"]
    assert "GPU 0   11 %" in system_stats.read_system_stats("cuda:0")


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
