"""Fashion-MNIST: 70 000 small pictures of clothes, in exactly the format of MNIST.

60 000 in the train set and 10 000 in the test set, 28x28 grey values, ten kinds with the same
number each. Zalando made it from its shop's photographs because MNIST had become too easy: a
network that reaches 98 % on MNIST reaches about 89 % here, and confuses shirts, T-shirts, pullovers
and coats. The download has 31 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from datasets.dataset import Data, Dataset, DataSpec
from datasets.mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, idx_file
from datasets.reading.drawing_encoders import DrawingEncoder
from datasets.reading.idx_files import read_idx_split
from datasets.reading.progress import NO_REPORTS, ProgressReporter

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat")
CLASSES += ("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

# Zalando's own place, Google's, Zalando's repository, and two in China: Baidu's and OneFlow's.
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://dataset.bj.bcebos.com/fashion_mnist/",
    "https://oneflow-public.oss-cn-beijing.aliyuncs.com/datasets/mnist/Fashion-MNIST/",
)


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (60000, 1, 28, 28) and (10000, 1, 28, 28) uint8, targets (N,) int64.

    Raises DataDamaged, naming the file.
    """
    return Data(
        spec=DataSpec((1, 28, 28), "multiclass", classes=CLASSES),
        train=read_idx_split(paths[TRAIN_IMAGES], paths[TRAIN_LABELS], len(CLASSES), reporter),
        test=read_idx_split(paths[TEST_IMAGES], paths[TEST_LABELS], len(CLASSES), reporter),
        encode=DrawingEncoder(box=28),
        input_help="the path of a picture of one piece of clothing on a plain ground",
        mean=0.2860,  # of the train set's pixels, and std
        std=0.3530,
    )


DATASET = Dataset(
    title="Fashion-MNIST, pictures of clothes",
    description="60 000 pictures to train on and 10 000 to test on, 28x28 grey values.",
    read=read,
    files=(
        idx_file(TRAIN_IMAGES, 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", MIRRORS),
        idx_file(TRAIN_LABELS, 29_515, "25c81989df183df01b3e8a0aad5dffbe", MIRRORS),
        idx_file(TEST_IMAGES, 4_422_102, "bef4ecab320f06d8554ea6380940ec79", MIRRORS),
        idx_file(TEST_LABELS, 5_148, "bb300cfdad3c16e7a12a480ee83cd310", MIRRORS),
    ),
)
