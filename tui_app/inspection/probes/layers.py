"""Lists the layers of a run's model, or of the model that given settings would train."""

from __future__ import annotations

import numpy as np
import torch
from torch.random import fork_rng

from datasets import Data
from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.layers import Layers, layers_of
from tui_app.training.prepare import read_data


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Layers:
    """The layers of the context's model."""
    inputs, _ = context.batch(context.split, evenly_spaced_rows(context.split, 2))
    return layers_of(context.model, inputs)


@torch.no_grad()
def layers_of_settings(settings: RunSettings, data: Data | None = None) -> Layers:
    """The layers of the model that these settings would train, even if they don't fit together.

    Only shapes go through the model (torch's meta device). Nothing is computed and no random number
    is drawn, so a run that trains at the same time isn't affected. A model that fails there is
    tried once more with real numbers. `data` are read when they aren't given; raises what
    `prepare.read_data` does.
    """
    data = read_data(settings) if data is None else data
    found = _layers_on(settings, data, "meta")
    return _layers_on(settings, data, "cpu") if found.problem else found


def _layers_on(settings: RunSettings, data: Data, device: str) -> Layers:
    two = DeviceSplit.of(
        data.train.subset(np.arange(2) % len(data.train)), data, torch.device("cpu")
    )
    inputs, _ = next(two.chunks(2))
    with fork_rng([]), torch.device(device):
        try:
            model = settings.lecture.model(data.spec, settings.hyperparameters).eval()
        except Exception as error:  # noqa: BLE001  a user's lecture may raise anything
            return Layers((), 0, f"it can't be built with these settings: {error}")
        return layers_of(model, inputs.to(device))
