"""Writes code that provides a script's data: literals, packed text, a file, or torchvision."""

from __future__ import annotations

import base64
import io
import textwrap
from dataclasses import dataclass

import numpy as np

from datasets import Data, Split
from tui_app.export.literals import literal

#: The most numbers to write as literals, and the most packed bytes within a script.
_WRITTEN, _PACKED = 40, 1_000_000

#: Data sets that torchvision fetches, with the samples in the same order.
_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}


@dataclass(frozen=True)
class DataCode:
    """`code` defines `train_x, train_y, test_x, test_y`. It reads them from `packed`, text within
    the script, or, where they are too large, from `arrays`, the content of a file beside it.
    """

    code: str
    packed: str = ""
    arrays: bytes = b""


def data_code(
    dataset: str, data: Data, train: Split, test: Split | None, file_name: str
) -> DataCode:
    """The code that provides the data; `file_name` is that of a file beside the script."""
    whole = test is None or len(train) == len(data.train)
    if dataset in _TORCHVISION and whole:
        return DataCode(_fetched(_TORCHVISION[dataset]))
    arrays = {"train_x": _for_torch(train.inputs), "train_y": train.targets}
    if test is not None:
        arrays |= {"test_x": _for_torch(test.inputs), "test_y": test.targets}
    missing = "" if test is not None else "test_x = test_y = None\n"
    if sum(array.size for array in arrays.values()) <= _WRITTEN:
        lines = (f"{name} = {_written(array)}\n" for name, array in arrays.items())
        return DataCode("".join(lines) + missing)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]  # all are arrays
    content = file.getvalue()
    if len(content) > _PACKED:
        return DataCode(
            _READ.format(source=f"Path(__file__).with_name({literal(file_name)})") + missing,
            "",
            content,
        )
    text = "\n".join(textwrap.wrap(base64.b85encode(content).decode(), 96, break_on_hyphens=False))
    source = 'io.BytesIO(base64.b85decode(PACKED.replace("\\n", "")))'
    return DataCode(_READ.format(source=source) + missing, text)


_READ = """\
with np.load({source}) as arrays:
    train_x, train_y, *rest = (torch.from_numpy(arrays[name]) for name in arrays)
test_x, test_y = rest or (None, None)
"""


def _for_torch(inputs: np.ndarray) -> np.ndarray:
    """uint16 as int32, since torch can't compute with uint16."""
    return inputs.astype(np.int32) if inputs.dtype == np.uint16 else inputs


def _written(array: np.ndarray) -> str:
    return f"torch.tensor({literal(array.tolist(), indent=4)}, dtype=torch.{array.dtype})"


def _fetched(name: str) -> str:
    channels = "" if name == "CIFAR10" else "[:, None]"
    turned = ".permute(0, 3, 1, 2)" if name == "CIFAR10" else ""
    return f"""\
from torchvision.datasets import {name}

train_set, test_set = {name}("data", train=True, download=True), {name}("data", train=False)
train_x = torch.as_tensor(train_set.data){channels}{turned}
test_x = torch.as_tensor(test_set.data){channels}{turned}
train_y, test_y = torch.as_tensor(train_set.targets), torch.as_tensor(test_set.targets)
"""
