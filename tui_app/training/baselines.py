"""Computes the scores at chance level, which a model that learns has to beat."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tui_app.training.evaluation import reduction_of
from tui_app.training.state import Training


def baselines(training: Training) -> dict[str, float]:
    """The accuracy of always predicting the largest class, and the loss of always predicting the
    classes' shares as probabilities (their entropy). Empty for a regression.
    """
    task, targets = training.spec.task, training.measured.split.targets
    if task == "regression":
        return {}
    shares = _shares(targets)
    rates = {"accuracy": shares.max().item()}
    if isinstance(training.criterion, nn.CrossEntropyLoss | nn.BCEWithLogitsLoss | nn.BCELoss):
        entropy = -(shares * shares.log()).sum().item()
        is_sum = reduction_of(training.criterion) == "sum"
        rates["loss"] = entropy * (targets.numel() if is_sum else 1)
    return rates


def _shares(targets: Tensor) -> Tensor:
    counts = torch.unique(targets, return_counts=True)[1].cpu().double()
    return counts / counts.sum()
