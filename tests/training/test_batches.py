"""Batches: the order of the samples, normalisation, augmentation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from datasets import Data, DataSpec, Split
from tests.tolerances import FLOAT32
from tui_app.training.data.alternation import ALTERNATING, alternation, pick_all, picked
from tui_app.training.data.augmentation import mirrored, shifted
from tui_app.training.data.batches import GatheredBatches
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.data.sampler import SeededBatchSampler

CPU = torch.device("cpu")


def images(count: int = 50) -> Data:
    rng = np.random.default_rng(0)
    split = Split(
        rng.integers(0, 256, (count, 1, 4, 4), dtype=np.uint8),
        rng.integers(0, 3, count).astype(np.int64),
    )
    spec = DataSpec((1, 4, 4), "multiclass", ("a", "b", "c"))
    return Data(
        spec, split, split, encode=lambda text: split.inputs[0], input_help="", mean=0.2, std=0.3
    )


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_those_of_a_dataloader_with_the_same_sampler(shuffle: bool) -> None:
    split = DeviceSplit.of(images().train, images(), CPU)
    sampler = SeededBatchSampler(50, 16, shuffle=shuffle, seed=3)
    loader = DataLoader(TensorDataset(split.inputs, split.targets), batch_sampler=sampler)
    sampler.epoch, sampler.start = 5, 1
    ours = list(GatheredBatches(split, sampler).epoch(5, 1))
    theirs = list(loader)
    assert len(ours) == len(theirs) == 3
    for (x, y), (their_x, their_y) in zip(ours, theirs, strict=True):
        assert torch.equal(x, their_x)
        assert torch.equal(y, their_y)


def test_every_epoch_has_its_own_order_with_each_sample_once() -> None:
    sampler = SeededBatchSampler(100, 7, shuffle=True, seed=0)
    orders = [sampler.order(epoch) for epoch in range(4)]
    assert all(torch.equal(order.sort().values, torch.arange(100)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    other = SeededBatchSampler(100, 7, shuffle=True, seed=1)
    assert not torch.equal(other.order(0), sampler.order(0))


def test_images_are_normalised_as_torchvision_does() -> None:
    data = images()
    split = DeviceSplit.of(data.train, data, CPU)
    expected = (data.train.inputs.astype(np.float32) / 255 - 0.2) / 0.3
    assert split.inputs.dtype == torch.float32
    np.testing.assert_allclose(split.inputs.numpy(), expected, rtol=FLOAT32, atol=FLOAT32)


def test_an_augmented_image_is_shifted_or_mirrored() -> None:
    torch.manual_seed(0)
    image = torch.arange(2 * 6 * 6, dtype=torch.float32).reshape(1, 2, 6, 6)
    padded = torch.nn.functional.pad(image, (4,) * 4, mode="replicate")
    crops = [padded[0, :, y : y + 6, x : x + 6] for y in range(9) for x in range(9)]
    images = shifted(image.expand(64, -1, -1, -1))
    assert images.shape == (64, 2, 6, 6)
    assert all(any(torch.equal(one, crop) for crop in crops) for one in images)
    assert len({tuple(one.flatten().tolist()) for one in images}) > 20
    both = mirrored(image.expand(64, -1, -1, -1))
    flipped = [torch.equal(one, image[0].flip(2)) for one in both]
    assert 10 < sum(flipped) < 54
    assert all(f or torch.equal(one, image[0]) for one, f in zip(both, flipped, strict=True))


def test_alternating_images_are_mirrored_in_every_other_epoch_and_shifted_with_reflection() -> None:
    pixels = torch.arange(40 * 2 * 5 * 6, dtype=torch.float32).reshape(40, 2, 5, 6)
    padded = torch.nn.functional.pad(pixels, (2,) * 4, mode="reflect")
    sides, shifts = [], []
    for epoch in range(4):
        rows, columns = alternation(pixels.shape, epoch, seed=7)
        varied = torch.empty_like(pixels)
        pick_all(pixels, rows, columns, varied)
        assert torch.equal(varied, picked(pixels, rows, columns))
        found = [which_crop(one, whole) for one, whole in zip(varied, padded, strict=True)]
        sides.append([is_mirrored for is_mirrored, _ in found])
        shifts.append([shift for _, shift in found])
    assert sides[0] == sides[2] != sides[1] == sides[3]
    assert all(first != second for first, second in zip(sides[0], sides[1], strict=True))
    assert 10 < sum(sides[0]) < 30
    assert len({tuple(each) for each in shifts}) == 4
    assert len(set(shifts[0])) > 10  # of 25
    once, again = alternation(pixels.shape, 3, seed=7), alternation(pixels.shape, 3, seed=7)
    assert all(map(torch.equal, once, again))


def which_crop(image: torch.Tensor, padded: torch.Tensor) -> tuple[bool, tuple[int, int]]:
    """Whether the image is mirrored, and the corner of the padded original that it was cut from."""
    height, width = image.shape[1:]
    (found,) = (
        (is_mirrored, (y, x))
        for is_mirrored in (False, True)
        for y in range(5)
        for x in range(5)
        if torch.equal(
            image.flip(2) if is_mirrored else image, padded[:, y : y + height, x : x + width]
        )
    )
    return found


@pytest.mark.parametrize("shuffle", [True, False])
def test_alternating_batches_are_the_same_from_a_set_that_is_not_resident(shuffle: bool) -> None:
    data = images()
    resident = DeviceSplit.of(data.train, data, CPU)
    pixels = DeviceSplit(torch.from_numpy(data.train.inputs), resident.targets, data, CPU)
    sampler = SeededBatchSampler(50, 16, shuffle=shuffle, seed=3)
    for epoch, start in ((0, 0), (1, 2)):
        whole, by_batch = (
            list(GatheredBatches(split, sampler, ALTERNATING).epoch(epoch, start))
            for split in (resident, pixels)
        )
        assert len(whole) == len(by_batch) == 4 - start
        for (left, targets), (right, same) in zip(whole, by_batch, strict=True):
            assert torch.equal(left, right)
            assert torch.equal(targets, same)
    original = DeviceSplit.of(data.train, data, CPU)
    assert torch.equal(resident.inputs, original.inputs)
