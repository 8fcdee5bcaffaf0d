"""Writes a net that only ranks which share all that they must can train alike."""

from __future__ import annotations

from pathlib import Path

#: A net whose ranks differ in what they draw and keep, with a layer that only every fourth step
#: uses: in between it has no gradient, and weight decay leaves it alone.
NET = '''"""Dropout, BatchNorm, and a layer without a gradient in most steps."""

import os

import torch
from torch import nn

from models.lecture import Hyperparameters, Lecture


class Net(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.first, self.norm = nn.Linear(784, 16), NORM
        self.dropout, self.last = nn.Dropout(DROPPED), nn.Linear(16, 10)
        self.seldom = nn.Linear(16, 16)
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x):
        x = self.dropout(self.norm(self.first(x.flatten(1))).relu())
        if self.training:
            self.steps += 1
            if self.steps == FAILING_STEP and os.environ.get("RANK") == "1":
                raise FAILURE
            if self.steps % 4 == 0:
                x = x + self.seldom(x)
        return self.last(x)


LECTURE = Lecture(
    title="Ranks",
    title_zh="排名",
    datasets=("digits",),
    model=Net,
    criterion=lambda: nn.CrossEntropyLoss(reduction="REDUCTION"),
    hyperparameters=Hyperparameters(
        lr=LR, weight_decay=0.01, batch_size=100, epochs=2
    ),
)
'''

_DEFAULTS = {
    "NORM": "nn.BatchNorm1d(16)",
    "DROPPED": "0.3",
    "FAILING_STEP": "0",
    "FAILURE": 'ValueError("not on this rank")',
    "REDUCTION": "mean",
    "LR": "0.1",
}


def write_net(path: Path, **changes: str) -> str:
    """Write NET with these changes; its path."""
    source = NET
    for name, value in {**_DEFAULTS, **changes}.items():
        source = source.replace(name, value)
    path.write_text(source, encoding="utf-8")
    return str(path)
