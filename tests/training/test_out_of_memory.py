"""Which errors of torch mean that the memory is used up."""

from __future__ import annotations

import pytest
import torch

from tui_app.training.outcome import is_out_of_memory, outcome_of_error

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


def test_a_card_that_has_failed_has_another_fault(monkeypatch: pytest.MonkeyPatch):
    def fail() -> tuple[int, int]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    gpu_with(0, monkeypatch)
    monkeypatch.setattr("torch.cuda.mem_get_info", fail)
    assert not is_out_of_memory(RuntimeError(DOUBTFUL[2]))
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
