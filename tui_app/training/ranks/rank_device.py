"""Chooses the kind of device that the ranks of a machine train on."""

from __future__ import annotations

import torch

from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.settings.run_options import refuse_one_device
from tui_app.training.devices.device import gpu_without_cuda
from tui_app.training.ranks.launch import Launch


def device_type_of(launch: Launch, requested: str) -> str:
    """`cuda` if each local rank has a card of its own, of those that CUDA_VISIBLE_DEVICES leaves;
    else `cpu`.

    No card is initialised. Raises InvalidValue if one device is `requested`, DeviceUnavailable if
    there are too few cards.
    """
    refuse_one_device(requested, launch.count)
    if requested == "cpu":
        return "cpu"
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if cards >= launch.local_count:
        return "cuda"
    if requested == "auto":
        return "cpu"
    hint = ". This build of torch can't use the GPU" if gpu_without_cuda() else ""
    raise DeviceUnavailable(
        f"{launch.local_count} ranks on this machine need {launch.local_count} CUDA devices, and "
        f"there are {cards}: start fewer ranks, or train with --device cpu{hint}"
    )
