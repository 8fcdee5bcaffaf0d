"""Predicts the samples that a classifier is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tui_app.inspection.probe_context import ProbeContext

_CHUNK = 500


@dataclass(frozen=True)
class Predictions:
    """Logits (N, classes) or (N, 1), probabilities (N, classes), targets (N,), of rows (N,).

    `inputs` (N, ...) are the samples as in the data set; `size` is the number of samples of the
    split `measured`.
    """

    classes: tuple[str, ...]
    vocabulary: tuple[str, ...]
    measured: str
    size: int
    rows: np.ndarray
    inputs: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each sample, (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def losses(self) -> np.ndarray:
        """The cross-entropy of each sample, (N,), from its logits: a probability may be 0."""
        logits = self.logits.astype(np.float64)
        if logits.shape[1] == 1:  # that of class 1; class 0 has 0
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        own = logits[np.arange(len(self.targets)), self.targets]
        return np.logaddexp.reduce(logits, axis=1) - own

    @property
    def confusion(self) -> np.ndarray:
        """How many samples of class i were predicted as class j, (classes, classes)."""
        counts = np.zeros((len(self.classes),) * 2, np.int64)
        np.add.at(counts, (self.targets, self.predicted), 1)
        return counts


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Predictions | None:
    """The predictions; None where a sample has no single class."""
    spec, rows = context.data.spec, context.rows()
    if spec.task == "regression" or context.is_sequence:
        return None
    logits = []
    for start in range(0, len(rows), _CHUNK):
        inputs, _ = context.batch(context.split, rows[start : start + _CHUNK])
        logits.append(context.model(inputs).float().cpu())
    outputs = torch.cat(logits)
    return Predictions(
        classes=spec.classes,
        vocabulary=spec.vocabulary,
        measured=context.measured,
        size=len(context.split),
        rows=rows,
        inputs=context.split.inputs[rows],
        logits=outputs.numpy(),
        probabilities=class_probabilities(outputs).numpy(),
        targets=context.split.targets[rows].reshape(len(rows)).astype(np.int64),
    )


def class_probabilities(outputs: Tensor) -> Tensor:
    """Probabilities (N, classes) of logits (N, classes), or of one logit for two classes."""
    if outputs.shape[1] > 1:
        return nn.functional.softmax(outputs.double(), dim=1)
    share = outputs.double().sigmoid()
    return torch.cat([1 - share, share], dim=1)
