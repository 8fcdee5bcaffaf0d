"""Seeds the random number generators, and saves and restores their states."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


def seed_everything(seed: int) -> None:
    """Seed every generator that a lecture may draw from."""
    torch.manual_seed(seed)  # of every device
    random.seed(seed)
    np.random.seed(seed % 2**32)


def rng_state() -> dict[str, Any]:
    """The state of all generators, as tensors and plain values: weights_only=True can load it."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "python": random.getstate(),
        "numpy": [
            str(name),
            [int(key) for key in keys],
            int(position),
            int(has_gauss),
            float(gauss),
        ],
    }


def restore_rng_state(state: dict[str, Any]) -> None:
    """Restore what `rng_state` returned."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))


def host_rng_state() -> dict[str, Any]:
    """The state of the generators on the host, comparable with `==`."""
    state = rng_state()
    return {**state, "torch": state["torch"].tolist(), "cuda": []}


def restore_host_rng_state(state: dict[str, Any]) -> None:
    """Restore what `host_rng_state` returned."""
    restore_rng_state({**state, "torch": torch.tensor(state["torch"], dtype=torch.uint8)})


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate with `model`; afterwards its modules' modes and all random numbers are as before."""
    training = [module for module in model.modules() if module.training]
    state = rng_state()
    model.eval()
    try:
        yield
    finally:
        restore_rng_state(state)
        for module in training:
            module.training = True
