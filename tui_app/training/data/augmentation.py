"""Shifts and mirrors images at random, a whole batch at once, on the batch's device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: The most pixels that an image is shifted by. As in He et al., Deep Residual Learning, 2015, for
#: CIFAR-10: padded by 4 on each side, then cropped at random.
SHIFT = 4


def shifted(images: Tensor) -> Tensor:
    """The images (N, C, H, W), each shifted by -4 to 4 pixels; edge pixels are repeated."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (SHIFT,) * 4, mode="replicate")
    offsets = torch.randint(0, 2 * SHIFT + 1, (2, count, 1), device=images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    batch = torch.arange(count, device=images.device)[:, None, None]
    # Indexed by (N, H, 1) and (N, 1, W) with the channels last: (N, H, W, C).
    picked = padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def mirrored(images: Tensor) -> Tensor:
    """The images (N, C, H, W), each mirrored left to right with probability 0.5."""
    is_mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(is_mirrored, images.flip(3), images)


def augmented(images: Tensor, augment: str) -> Tensor:
    """The images, varied as the hyperparameter `augment` says."""
    match augment:
        case "shift":
            return shifted(images)
        case "flip and shift":
            return shifted(mirrored(images))
    return images
