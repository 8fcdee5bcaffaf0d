"""Builds a lecture's model and criterion, seeded and on their device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from datasets import Data
from models import LectureError
from models.fields import InvalidValue
from models.lecture import PREPARED, Lecture
from models.user_files.error_hints import explain
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.data.batch_source import Batches
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.ranks.ranks import Ranks
from tui_app.training.seeding import seed_everything, undisturbed


def build_model(
    lecture: Lecture, data: Data, settings: RunSettings, device: torch.device
) -> tuple[nn.Module, nn.Module]:
    """The seeded model and its criterion. Raises InvalidValue, LectureError."""
    seed_everything(settings.hyperparameters.seed)
    try:
        model = lecture.model(data.spec, settings.hyperparameters)
        criterion = lecture.build_criterion(settings.hyperparameters)
        _require_modules(lecture, model, criterion)
        model, criterion = model.to(device), criterion.to(device)
        if wants_channels_last(model, settings, device.type):
            model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return model, criterion
    except LectureError:
        raise
    except ValueError as error:  # a setting's value, such as a width or a kernel that doesn't fit
        raise InvalidValue(
            f"{lecture.name} can't be built with these settings: {explain(error)}"
        ) from error
    except Exception as error:  # out of a GPU's memory, or any error of a user's file
        if device.type != "cpu" and is_out_of_memory(error):
            raise
        if isinstance(error, TypeError) and _is_wrong_call(error):
            raise LectureError(
                f"{lecture.path}: {error}. tutorch builds the net as Net(spec, hyperparameters): "
                "let it take these two arguments"
            ) from error
        raise LectureError(f"{lecture.path} can't build its model: {explain(error)}") from error


def with_synchronised_norms(
    model: nn.Module, split: DeviceSplit, settings: RunSettings, batches: Batches, ranks: Ranks
) -> nn.Module:
    """The model, whose BatchNorm layers compute the statistics of the whole batch on several cards
    if the run wants that. They keep their names. Raises InvalidValue if a rank has too few samples
    of a batch for them. `split` is the train set.
    """
    smallest = min(batches.size_of(0), batches.size_of(len(batches) - 1))
    if not settings.options.sync_batchnorm:
        if ranks.count > 1:
            _refuse_shares_of_one(model, split, smallest, ranks)
        return model
    if next(model.parameters()).device.type != "cuda":
        raise InvalidValue(
            "sync_batchnorm: torch synchronises BatchNorm on CUDA devices alone", "sync_batchnorm"
        )
    if ranks.count == 1:
        return model
    if smallest < ranks.count:  # a rank without samples would keep the others waiting in the layer
        raise InvalidValue(
            f"sync_batchnorm: each of the {ranks.count} ranks needs a sample of every batch, and "
            f"one has {smallest}: choose another batch_size",
            "sync_batchnorm",
        )
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


def _refuse_shares_of_one(
    model: nn.Module, split: DeviceSplit, smallest: int, ranks: Ranks
) -> None:
    """Raise InvalidValue if a rank gets a single sample of the `smallest` batch, and a BatchNorm
    layer would have one value a channel, of which it can't compute a variance.
    """
    if smallest >= 2 * ranks.count:
        return
    inputs, _ = next(split.chunks(2))
    if _has_norm_of_one_value(model, inputs):
        raise InvalidValue(
            f"batch_size: {ranks.count} ranks share a batch of {smallest}, so that one of them "
            "gets a single sample, too few for BatchNorm: choose another batch_size",
            "batch_size",
        )


@torch.no_grad()
def _has_norm_of_one_value(model: nn.Module, inputs: Tensor) -> bool:
    """Whether a BatchNorm layer that trains gets one value a channel of each sample: not if there
    are pixels or a sequence.
    """
    found: list[bool] = []

    def look(layer: nn.Module, given: object, output: Tensor) -> None:
        found.append(output.numel() == len(inputs) * output.shape[1])

    norms = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
    layers = [each for each in model.modules() if isinstance(each, norms) and each.training]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    try:
        with undisturbed(model):
            model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return any(found)


def prepare_model(lecture: Lecture, model: nn.Module, split: DeviceSplit) -> None:
    """Let the lecture set weights of a new run's model from the train set. Raises LectureError."""
    if lecture.prepare is None:
        return
    inputs, _ = next(split.chunks(PREPARED))
    try:
        lecture.prepare(model, inputs)
    except Exception as error:  # as above
        if split.device.type != "cpu" and is_out_of_memory(error):
            raise
        raise LectureError(f"{lecture.path} can't prepare its model: {explain(error)}") from error


def _is_wrong_call(error: TypeError) -> bool:
    """Whether the function was never entered, because it takes other arguments."""
    trace = error.__traceback__
    return trace is not None and trace.tb_next is None


def _require_modules(lecture: Lecture, model: object, criterion: object) -> None:
    for field, built in (("model", model), ("criterion", criterion)):
        if not isinstance(built, nn.Module):
            raise LectureError(
                f"{lecture.path}: what `{field}=` names returns a {type(built).__name__}, and not "
                f"an nn.Module: end it with `return {field}`"
            )


def wants_channels_last(model: nn.Module, settings: RunSettings, device_type: str) -> bool:
    """Whether to keep the weights of convolutions in channels_last layout, where that is faster.

    No shape changes; such a convolution also outputs channels_last. On the CPU it is 1.3 to 1.7
    times as fast for lectures 10 and 11. On CUDA, tensor cores multiply in that layout, and cuDNN
    transposes others first (NVIDIA, "Convolutional Layers User's Guide", tensor layouts): it is for
    tf32 and bf16. With fp32, and on other devices, the layout is torch's.
    """
    if settings.hyperparameters.optimizer == "lbfgs":  # which needs contiguous weights
        return False
    if all(weight.ndim != 4 for weight in model.parameters()):
        return False
    uses_tensor_cores = device_type == "cuda" and settings.options.precision != "fp32"
    return device_type == "cpu" or uses_tensor_cores
