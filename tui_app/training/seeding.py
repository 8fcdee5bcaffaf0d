"""Seeds the random number generators, and saves and restores their states."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

#: Where a checkpoint has the random numbers of each rank, if several trained the run. That of
#: rank 0 is also where a run of one process has its own, so that either continues the other's.
RNG_OF_RANKS = "rng_of_ranks"

_HOST = torch.device("cpu")


def seed_everything(seed: int) -> None:
    """Seed every generator that a lecture may draw from."""
    torch.manual_seed(seed)  # of every device
    random.seed(seed)
    np.random.seed(seed % 2**32)


def seed_rank(seed: int, rank: int, step: int) -> None:
    """Seed the generators of a rank other than 0, from `step` on, so that it doesn't draw the
    numbers of another.
    """
    seed_everything((seed + rank * _STRIDES[0] + step * _STRIDES[1]) % 2**63)


#: Odd numbers, near 2**64 divided by the square of the golden ratio, and by e.
_STRIDES = 0x61C8864680B583EB, 0x5E2D58D8B3BCDF1B


def rng_state(device: torch.device) -> dict[str, Any]:
    """The state of the host's generators and of the device's, if it is a CUDA device.

    Tensors and plain values: weights_only=True can load it.
    """
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "python": random.getstate(),
        "numpy": [
            str(name),
            [int(key) for key in keys],
            int(position),
            int(has_gauss),
            float(gauss),
        ],
    }


def restore_rng_state(state: dict[str, Any], device: torch.device) -> None:
    """Restore what `rng_state` returned, on any CUDA device if it was of one."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))


def state_of_one_card(state: dict[str, Any], trained_on: str) -> dict[str, Any]:
    """The state as `rng_state` returns it, also of an earlier version, which kept a list of the
    states of all CUDA devices. `trained_on` is the device of the run: `cuda:1`.
    """
    cards = state["cuda"]
    if not isinstance(cards, list):
        return state
    device = torch.device(trained_on)
    index = device.index or 0
    known = device.type == "cuda" and index < len(cards)
    return {**state, "cuda": cards[index] if known else None}


def host_rng_state() -> dict[str, Any]:
    """The state of the generators on the host, comparable with `==`."""
    state = rng_state(_HOST)
    return {**state, "torch": state["torch"].tolist()}


def restore_host_rng_state(state: dict[str, Any]) -> None:
    """Restore what `host_rng_state` returned."""
    plain = {**state, "torch": torch.tensor(state["torch"], dtype=torch.uint8)}
    restore_rng_state(plain, _HOST)


def rng_of_ranks(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The random numbers of each rank that trained the run until this checkpoint."""
    return state.get(RNG_OF_RANKS, [state["rng"]])


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate with `model`; afterwards its modules' modes, and the random numbers of the host and
    of the model's device, are as before.
    """
    training = [module for module in model.modules() if module.training]
    device = next((weight.device for weight in model.parameters()), _HOST)
    state = rng_state(device)
    model.eval()
    try:
        yield
    finally:
        restore_rng_state(state, device)
        for module in training:
            module.training = True
