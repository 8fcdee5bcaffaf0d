"""A batch of CIFAR-10 in a pickle of any protocol is read exactly, and no code of it runs."""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.reading.pickled_arrays import read_pickled_batch

PIXELS = 3072
IMAGES = np.random.RandomState(0).randint(0, 256, (12, PIXELS)).astype(np.uint8)
LABELS = [3, 0, 1, 9, 0, 1, 1, 2, 255, 1, 0, 7]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("key", [str, str.encode])
@pytest.mark.parametrize(
    "labels", [LABELS, np.array(LABELS), np.array(LABELS, ">i4")], ids=["list", "i8", "big-endian"]
)
def test_every_protocol_gives_the_same_images(protocol, order, key, labels):
    batch = {
        key("batch_label"): "training batch 1 of 5",
        key("labels"): labels,
        key("data"): IMAGES.copy(order=order),
        key("filenames"): [f"{number}.png" for number in range(12)],
    }
    images, read = read_pickled_batch(pickle.dumps(batch, protocol), PIXELS)
    assert (images == IMAGES).all()
    assert read.tolist() == LABELS


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_one_image_and_the_smallest_numbers_are_read(protocol):
    # 0 and 1 look like false and true in the oldest protocol.
    batch = {"labels": [1], "data": np.ones((1, PIXELS), np.uint8)}
    images, labels = read_pickled_batch(pickle.dumps(batch, protocol), PIXELS)
    assert images.sum() == PIXELS
    assert labels.tolist() == [1]


def damaged(**changes: Any) -> bytes:
    return pickle.dumps({"labels": LABELS, "data": IMAGES, **changes})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (damaged(labels=LABELS[:-1]), "has 11 labels for 12 images"),
        (damaged(labels=[]), "has 0 labels for 12 images"),
        (damaged(labels=[*LABELS[:-1], -1]), "has a label -1"),
        (damaged(labels=[*LABELS[:-1], 2**70]), "beyond 64 bits"),
        (damaged(labels=[*LABELS[:-1], "1"]), "isn't a pickle of images and labels"),
        (damaged(data=IMAGES[:, :-1]), r"images of uint8 \(12, 3071\), not uint8 \(N, 3072\)"),
        (damaged(data=IMAGES.astype(np.int64)), r"images of int64"),
        (damaged(data=IMAGES.astype(np.float32)), "has an array of '[<>]f4'"),
        (damaged(data=IMAGES[0]), "images of uint8"),
        (damaged(data=None), "isn't a pickle of images and labels"),
        (damaged(data=np.array([object()], object)), "calls builtins.object|isn't a pickle"),
        (damaged()[:-50], "isn't a pickle of images and labels"),
        (damaged().replace(IMAGES.tobytes(), IMAGES.tobytes()[:-1] + b""), "isn't a pickle"),
        (pickle.dumps([1, 2]), "isn't a pickle of images and labels"),
        (pickle.dumps(OrderedDict(data=IMAGES)), "calls collections.OrderedDict"),
        (b"", "isn't a pickle of images and labels"),
        (b"\x80\x04.", "isn't a pickle of images and labels"),
        (b"nonsense", "isn't a pickle of images and labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_a_sentence(content, told):
    with pytest.raises(ValueError, match=told):
        read_pickled_batch(content, PIXELS)


class Malice:
    def __reduce__(self):
        return (Path.touch, (Path("trace"),))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_of_a_pickle_runs(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    for batch in (Malice(), {"labels": LABELS, "data": Malice()}, {"labels": [Malice()]}):
        with pytest.raises(ValueError, match="isn't a pickle"):
            read_pickled_batch(pickle.dumps(batch, protocol), PIXELS)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_byte_is_refused_or_only_changes_numbers():
    content = pickle.dumps({"labels": [1], "data": np.zeros((1, 16), np.uint8)}, 2)
    assert list(pickletools.genops(content))
    for place in range(len(content)):
        for value in (0, 0x28, 0x2E, 0x52, 0x62, 0x71, 0xFF):
            broken = content[:place] + bytes([value]) + content[place + 1 :]
            try:
                images, labels = read_pickled_batch(broken, 16)
            except ValueError:
                continue
            assert (images.shape, labels.shape) == ((1, 16), (1,))
