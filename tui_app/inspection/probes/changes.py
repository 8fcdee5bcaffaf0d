"""Follows the predictions of some samples from epoch to epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from datasets.reading.cell_numbers import whole_number
from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.inspection.probes import predictions
from tui_app.inspection.probes.predictions import class_probabilities
from tui_app.inspection.replay import replay
from tui_app.runs.events import EpochCompleted
from tui_app.runs.metrics.metrics_file import read_events

_SAMPLES = 24

#: The seconds that a replay may take; the epochs after them are left out.
_SECONDS = 20.0


@dataclass(frozen=True)
class Changes:
    """Probabilities (epochs, samples, classes) of samples (N, ...), `rows` of the split `measured`.

    `epochs` are those after which the samples were predicted, 0 being before the first; fractions
    where a run was probed while it trained. `missing` counts the epochs that would take too long to
    replay; of those only the best model's is there, as the last row.
    """

    epochs: np.ndarray
    probabilities: np.ndarray
    rows: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...]
    vocabulary: tuple[str, ...]
    measured: str
    missing: int


def probe(context: ProbeContext, query: str) -> Changes | None:
    """For a finished run: every epoch, by replay, of the samples with the largest loss. While it
    trains: its current predictions. A number in the query puts that sample, from 1, first.

    None where a sample has no single class.
    """
    spec = context.data.spec
    if spec.task == "regression" or context.is_sequence:
        return None
    rows = _chosen(context, query)
    inputs, _ = context.batch(context.split, rows)
    current = _probabilities(context.model, inputs)
    if not context.step:  # before training, when there is no run yet
        epochs, seen, missing = [0.0], [current], 0
    elif context.is_live:
        epochs, seen, missing = [context.step / _steps_per_epoch(context)], [current], 0
    else:
        epochs, seen, missing = _replayed(context, inputs, current)
    return Changes(
        epochs=np.array(epochs),
        probabilities=np.stack(seen),
        rows=rows,
        inputs=context.split.inputs[rows],
        targets=context.split.targets[rows].reshape(len(rows)).astype(np.int64),
        classes=spec.classes,
        vocabulary=spec.vocabulary,
        measured=context.measured,
        missing=missing,
    )


def join_changes(earlier: Changes | None, later: Changes | None) -> Changes | None:
    """Join what was predicted earlier in training to what is predicted now."""
    if earlier is None or later is None or not np.array_equal(earlier.rows, later.rows):
        return later
    kept = earlier.epochs < later.epochs[0]
    return replace(
        later,
        epochs=np.concatenate([earlier.epochs[kept], later.epochs]),
        probabilities=np.concatenate([earlier.probabilities[kept], later.probabilities]),
    )


def _chosen(context: ProbeContext, query: str) -> np.ndarray:
    """Evenly spaced rows while the run trains, which stay the same; else those of largest loss."""
    rows = evenly_spaced_rows(context.split, _SAMPLES)
    if not context.is_live:
        found = predictions.probe(context, "")
        assert found is not None
        rows = found.rows[np.argsort(-found.losses, kind="stable")[:_SAMPLES]]
    if (number := whole_number(query)) is not None:
        chosen = min(max(number, 1), len(context.split)) - 1
        rows = np.array([chosen, *rows[rows != chosen]][:_SAMPLES])
    return rows


@torch.no_grad()
def _probabilities(model: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    was_training = model.training
    model.eval()
    probabilities = class_probabilities(model(inputs).float().cpu()).numpy()
    model.train(was_training)
    return probabilities


def _replayed(
    context: ProbeContext, inputs: torch.Tensor, best: np.ndarray
) -> tuple[list[float], list[np.ndarray], int]:
    """Epochs, probabilities (samples, classes) after each, and how many epochs are left out.

    `best` are the best model's probabilities.
    """
    per_epoch = _steps_per_epoch(context)
    completed = read_events(context.folder.metrics, EpochCompleted)
    seconds = np.cumsum(np.nan_to_num([epoch.seconds for epoch in completed]))
    count = context.step // per_epoch
    shown = min(count, max(1, int((seconds <= _SECONDS).sum())))
    seen: list[np.ndarray] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        if step % per_epoch == 0:
            seen.append(_probabilities(model, inputs))

    replay(context, shown * per_epoch, observe)
    epochs = [float(epoch) for epoch in range(len(seen))]
    if context.epoch > shown:
        return [*epochs, float(context.epoch)], [*seen, best], count - shown - 1
    return epochs, seen, count - shown


def _steps_per_epoch(context: ProbeContext) -> int:
    return context.folder.read_record().steps_per_epoch
