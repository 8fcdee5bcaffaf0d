"""Which errors of torch mean that the memory is used up."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from models import find_lecture
from models.loading.load import load_lecture
from tui_app.monitoring.failures import describe_failure
from tui_app.runs.errors import OutOfMemory
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.build_model import build_model
from tui_app.training.outcome import is_out_of_memory, outcome_of_error
from tui_app.training.prepare import read_data

CERTAIN = [
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory",
]
DOUBTFUL = [
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
    "GET was unable to find an engine to execute this computation",
]


def gpu_with(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (free, 80 << 30))


@pytest.mark.parametrize("text", CERTAIN)
def test_a_library_that_cannot_allocate_is_out_of_memory(
    text: str, monkeypatch: pytest.MonkeyPatch
):
    gpu_with(70 << 30, monkeypatch)  # freed again before anybody asks
    assert is_out_of_memory(RuntimeError(text))
    outcome = outcome_of_error(RuntimeError(text))
    assert outcome is not None
    assert "out of memory" in outcome.reason
    assert not is_out_of_memory(ValueError(text))


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_may_have_another_cause_is_so_only_on_a_full_card(
    text: str, monkeypatch: pytest.MonkeyPatch
):
    assert not is_out_of_memory(RuntimeError(text))  # no GPU is in use
    gpu_with(100 << 20, monkeypatch)
    assert is_out_of_memory(RuntimeError(text))
    gpu_with(70 << 30, monkeypatch)
    assert not is_out_of_memory(RuntimeError(text))


def test_it_is_so_while_a_run_is_prepared_too():
    def fail(*_: object) -> nn.Module:
        raise RuntimeError(CERTAIN[0])

    lecture = replace(load_lecture(find_lecture("05")), model=fail)
    settings = resolve_settings(lecture, {"device": "cuda"})
    with pytest.raises(RuntimeError) as raised:
        build_model(lecture, read_data(settings), settings, torch.device("cuda"))
    assert describe_failure(raised.value) == (str(OutOfMemory()), ExitCode.DEVICE_UNAVAILABLE)


def test_a_card_that_has_failed_has_another_fault(monkeypatch: pytest.MonkeyPatch):
    def fail() -> tuple[int, int]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    gpu_with(0, monkeypatch)
    monkeypatch.setattr("torch.cuda.mem_get_info", fail)
    assert not is_out_of_memory(RuntimeError(DOUBTFUL[2]))
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
