"""Chooses how a run's steps are run: recorded as a CUDA graph, or one call for each operation."""

from __future__ import annotations

import torch

from tui_app.training.data.batches import LoaderBatches
from tui_app.training.optimizers import can_be_recorded
from tui_app.training.recording.recorded_steps import NOT_RECORDED, RecordedSteps
from tui_app.training.recording.recorder import CudaRecorder
from tui_app.training.shared_steps import SharedSteps
from tui_app.training.state import Training
from tui_app.training.step import make_step
from tui_app.training.step_runner import PlainSteps, StepRunner


def fastest_steps(training: Training) -> StepRunner:
    """The fastest way for the run's device. Where nothing can be recorded, one warning says why.

    Several ranks record nothing: this project couldn't try a graph that sums over cards.
    """
    if training.ranks.count > 1:
        return SharedSteps(training)
    device = torch.device(training.device.name)
    reason = why_not_recordable(training) if device.type == "cuda" else ""
    if device.type == "cuda" and not reason:
        return RecordedSteps(training, CudaRecorder(device))
    if reason:
        training.pending_warnings.append(NOT_RECORDED.format(reason))
    return PlainSteps(training, make_step(training))


def why_not_recordable(training: Training) -> str:
    """Why the run's steps can't be recorded, if that is known beforehand; else empty."""
    lecture = training.settings.lecture
    if lecture.optimizer is not None:
        return "the lecture has its own optimizer"
    if lecture.backward is not None:
        return "the lecture's gradients are written out by hand"
    if not can_be_recorded(training.optimizer):
        return f"{training.hyperparameters.optimizer} counts or decides something on the host"
    if isinstance(training.batches, LoaderBatches):
        return "its batches come from a DataLoader"
    device = torch.device(training.device.name)
    tensors = [*training.model.parameters(), *training.model.buffers()]
    if any(tensor.device.type != device.type for tensor in tensors):
        return "not all of the model is on the device"
    return ""
