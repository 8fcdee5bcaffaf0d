"""Sums the gradients and the loss of a step over the ranks of a group, in one flat tensor."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tui_app.training.ranks.ranks import Ranks

# Why not torch's DistributedDataParallel: it puts the gradients into other buckets after the first
# backward pass, and where 3 ranks or more add up an element depends on its place in a bucket. A
# resumed run would round differently from the run itself. It also needs a loss from every rank, a
# gradient for every weight, and `loss.backward()`, which a lecture may replace. With 2 ranks on the
# CPU it takes 0.9 to 1.0 times as long as this for the nets of lectures 9 to 11 (tests/benchmarks/
# scaling.py): these nets have too few weights to hide their sum behind the backward pass.


class GradientSum:
    """Sums the gradients of `weights`, and lets all ranks update them alike.

    A weight that has a gradient on no rank has none afterwards, as in one process: an optimizer
    leaves it alone. Low precision is summed as float32.
    """

    def __init__(self, ranks: Ranks, weights: Iterable[nn.Parameter]) -> None:
        self._ranks = ranks
        self._weights = [weight for weight in weights if weight.requires_grad]
        first, *_ = self._weights
        self._device = first.device
        wide = any(weight.dtype in _WIDE for weight in self._weights)
        self._dtype = torch.float64 if wide else torch.float32
        self._layouts = [torch.empty_like(weight).stride() for weight in self._weights]
        self._sizes = [
            weight.numel() * (2 if weight.is_complex() else 1) for weight in self._weights
        ]

    def __call__(self, loss: Tensor | None, factor: float) -> Tensor:
        """Sum over the ranks `factor` times the loss and the gradients: the loss of the whole
        batch, with its gradients in the weights. A rank without samples has no loss.
        """
        has_gradient = [float(weight.grad is not None) for weight in self._weights]
        is_on_host = self._device.type == "cpu"
        head = [torch.zeros(1) if loss is None else loss.detach().reshape(1)]
        if is_on_host:
            head.append(torch.tensor(has_gradient))
        flat = torch.cat([each.to(self._device, self._dtype) for each in (*head, *self._flatten())])
        if factor != 1:
            flat *= factor
        self._ranks.sum_on_device(flat)
        if is_on_host:
            has_gradient = flat[1 : 1 + len(has_gradient)].tolist()
        else:
            # Through the host: reading it from the card would wait for the whole step.
            has_gradient = self._ranks.sum(has_gradient)
        self._unflatten(flat[flat.numel() - sum(self._sizes) :], has_gradient)
        return flat[0].clone()  # a view would keep all gradients of the step in memory

    def _flatten(self) -> Iterable[Tensor]:
        for weight, layout, size in zip(self._weights, self._layouts, self._sizes, strict=True):
            gradient = weight.grad
            if gradient is None:
                yield torch.zeros(size, dtype=self._dtype, device=self._device)
                continue
            if gradient.is_sparse:
                gradient = gradient.to_dense()
            if gradient.stride() != layout:
                gradient = torch.empty_strided(
                    gradient.shape, layout, dtype=gradient.dtype, device=gradient.device
                ).copy_(gradient)
            flat = gradient.as_strided((gradient.numel(),), (1,))
            yield torch.view_as_real(flat).reshape(-1) if flat.is_complex() else flat

    def _unflatten(self, flat: Tensor, has_gradient: list[float]) -> None:
        """Set the gradients, in the layout of the weights."""
        pieces = flat.split(self._sizes)
        for weight, piece, layout, has_one in zip(
            self._weights, pieces, self._layouts, has_gradient, strict=True
        ):
            if not has_one:
                weight.grad = None
                continue
            pairs = piece.clone().view(-1, 2) if weight.is_complex() else None
            gradient = piece if pairs is None else torch.view_as_complex(pairs)
            weight.grad = gradient.to(weight.dtype).as_strided(weight.shape, layout)


_WIDE = (torch.float64, torch.complex128)
