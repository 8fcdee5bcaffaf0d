"""Computes lecture 10's examples: a 5x5 image and a 3x3 kernel, convolved in several ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from tui_app.inspection.probe_context import ProbeContext

IMAGE = np.array(
    [[3, 4, 6, 5, 7], [2, 4, 6, 8, 2], [1, 6, 7, 8, 4], [9, 7, 4, 6, 2], [3, 7, 5, 4, 1]]
)
KERNEL = np.arange(1, 10).reshape(3, 3)


@dataclass(frozen=True)
class Example:
    """One way to slide a window over the image: the padded image, the window's side and stride."""

    title: str
    padded: np.ndarray
    kernel: np.ndarray | None
    side: int
    stride: int
    output: np.ndarray


def probe(context: ProbeContext | None, query: str) -> tuple[Example, ...]:
    """Plain convolution, with padding, with a stride; then max pooling."""
    image = torch.tensor(IMAGE, dtype=torch.float32)[None, None]
    kernel = torch.tensor(KERNEL, dtype=torch.float32)[None, None]

    def convolved(title: str, padding: int, stride: int) -> Example:
        output = functional.conv2d(image, kernel, padding=padding, stride=stride)[0, 0]
        padded = np.pad(IMAGE, padding)
        return Example(title, padded, KERNEL, 3, stride, output.numpy().astype(int))

    pooled = functional.max_pool2d(image[..., :4, :4], 2)[0, 0].numpy().astype(int)
    return (
        convolved("convolution: 5 - 3 + 1 = 3", 0, 1),
        convolved("with padding 1: 5 + 2·1 - 3 + 1 = 5", 1, 1),
        convolved("with stride 2: (5 - 3) / 2 + 1 = 2", 0, 2),
        Example("max pooling 2x2 of the first 4x4: 4 / 2 = 2", IMAGE[:4, :4], None, 2, 2, pooled),
    )
