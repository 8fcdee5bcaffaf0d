"""MNIST: 70 000 handwritten digits, the data of lectures 9 to 11.

60 000 scans in the train set and 10 000, by other writers, in the test set; 28x28 grey values from
0 (background) to 255 (ink), each digit scaled to 20x20 and placed with its centre of mass in the
middle. LeCun, Cortes and Burges made it from NIST's forms; their own site no longer serves it, so
it is fetched from mirrors (11.6 MB). The classes are nearly balanced: always predicting 1 is right
for 11 %. Good models reach 99 %; lecture 9's reach 97 to 98 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets.dataset import Data, Dataset, DataSpec, RemoteFile
from datasets.reading.drawing_encoders import DrawingEncoder
from datasets.reading.idx_files import read_idx_split
from datasets.reading.progress import NO_REPORTS, ProgressReporter

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"

# PyTorch's mirror, Google's, and two in China: Baidu's and OneFlow's.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://dataset.bj.bcebos.com/mnist/",
    "https://oneflow-public.oss-cn-beijing.aliyuncs.com/datasets/mnist/MNIST/",
)


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (60000, 1, 28, 28) and (10000, 1, 28, 28) uint8, targets (N,) int64.

    Raises DataDamaged, naming the file.
    """
    return Data(
        spec=DataSpec((1, 28, 28), "multiclass", classes=tuple("0123456789")),
        train=read_idx_split(paths[TRAIN_IMAGES], paths[TRAIN_LABELS], 10, reporter),
        test=read_idx_split(paths[TEST_IMAGES], paths[TEST_LABELS], 10, reporter),
        encode=DrawingEncoder(),
        input_help="the path of an image of one digit",
        mean=0.1307,  # of the train set's pixels, and std: handout 9, page 30
        std=0.3081,
    )


def idx_file(name: str, size: int, md5: str, mirrors: Sequence[str]) -> RemoteFile:
    """A packed IDX file, or what torchvision made of it in its folder `raw`."""
    plain = name.removesuffix(".gz")
    return RemoteFile(
        name=name,
        urls=tuple(mirror + name for mirror in mirrors),
        size=size,
        checksum=f"md5:{md5}",
        aliases=(plain, f"raw/{name}", f"raw/{plain}"),
    )


DATASET = Dataset(
    title="MNIST, handwritten digits",
    description="60 000 digits to train on and 10 000 to test on, 28x28 grey values.",
    read=read,
    files=(
        idx_file(TRAIN_IMAGES, 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", MIRRORS),
        idx_file(TRAIN_LABELS, 28_881, "d53e105ee54ea40749a09fcbcd1e9432", MIRRORS),
        idx_file(TEST_IMAGES, 1_648_877, "9fb629c4189551a2d022fa330f9573f3", MIRRORS),
        idx_file(TEST_LABELS, 4_542, "ec29112dd5afa0611ce80d1b7f02629c", MIRRORS),
    ),
)
