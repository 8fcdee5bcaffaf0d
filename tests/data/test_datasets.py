"""The data sets: their shapes and splits, damaged files, and typed input."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import datasets
from datasets import DataDamaged, UnknownDataset, dataset_names, get_dataset, read_dataset
from datasets.fetching.fetch import find
from tests.tolerances import FLOAT64

BUNDLED = [name for name in dataset_names() if not get_dataset(name).files]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, datasets; names = datasets.dataset_names();"
        "[datasets.get_dataset(name).size for name in names];"
        "print(*{'torch', 'sklearn', 'scipy', 'PIL', 'requests', 'pooch'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


def test_the_folder_lists_the_data_sets_and_nothing_else():
    stems = {path.stem for path in Path(datasets.__file__).parent.glob("*.py")}
    names = {name.replace("-", "_") for name in dataset_names()}
    assert stems == names | {"__init__", "dataset"}


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(UnknownDataset, match="did you mean mnist"):
        get_dataset("mnits")


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_set_has_the_shapes_and_types_of_its_description(name):
    data = read_dataset(name)
    spec = data.spec
    for split in filter(None, (data.train, data.test)):
        assert split.inputs.shape == (len(split), *spec.input_shape)
        assert split.inputs.dtype in (np.uint8, np.float32, np.int64)
        if spec.task == "multiclass":
            assert split.targets.dtype == np.int64
            assert split.targets.max() < len(spec.classes)
        else:
            assert split.targets.dtype == np.float32
            assert split.targets.shape == (len(split), 1)
        if spec.task == "binary":
            assert set(np.unique(split.targets)) == {0, 1}
            assert len(spec.classes) == 2
    assert read_dataset(name).fingerprint() == data.fingerprint()
    assert len(data.input_help) > 3


def test_the_points_of_the_lectures():
    data = read_dataset("study-hours")
    assert (data.train.inputs.tolist(), data.train.targets.tolist()) == (
        [[1], [2], [3]],
        [[2], [4], [6]],
    )
    assert data.test is None
    assert data.encode("4").tolist() == [4]
    assert read_dataset("exam-pass").train.targets.tolist() == [[0], [0], [1]]


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "give one value"), ("four", "'four' is not a number"), ("nan", "finite")],
)
def test_typed_text_that_isnt_numbers_is_refused_in_a_sentence(typed, told):
    with pytest.raises(ValueError, match=told):
        read_dataset("study-hours").encode(typed)


def test_digits_hold_out_a_fifth_of_each_class():
    data = read_dataset("digits")
    assert data.test is not None
    counts = np.bincount(data.test.targets)
    total = counts + np.bincount(data.train.targets)
    assert np.abs(counts / total - 0.2).max() < 0.005
    assert data.train.inputs.max() == 255
    pixels = data.train.inputs / 255
    assert (data.mean, data.std) == pytest.approx((pixels.mean(), pixels.std()), rel=FLOAT64)


def write_idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    content = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def small_mnist(tmp_path: Path) -> Path:
    """Ten train and five test images, in the folders that torchvision makes."""
    for part, count in (("train", 10), ("t10k", 5)):
        labels = np.arange(count) % 10
        images = np.broadcast_to(labels[:, None, None], (count, 28, 28))
        write_idx(tmp_path / f"MNIST/raw/{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"MNIST/raw/{part}-labels-idx1-ubyte", labels)
    return tmp_path


def test_mnist_is_read_from_torchvisions_folder(small_mnist):
    before = sorted((path, path.stat().st_mtime_ns) for path in small_mnist.rglob("*"))
    for folder in (small_mnist, small_mnist / "MNIST", small_mnist / "MNIST" / "raw"):
        data = read_dataset("mnist", folder)
        assert data.train.inputs.shape == (10, 1, 28, 28)
        assert data.train.inputs[:, 0, 5, 5].tolist() == data.train.targets.tolist()
        assert data.test is not None
        assert len(data.test) == 5
    assert before == sorted((path, path.stat().st_mtime_ns) for path in small_mnist.rglob("*"))


def test_mnist_in_a_folder_of_another_name_needs_its_checksum(small_mnist):
    (small_mnist / "MNIST").rename(small_mnist / "FashionMNIST")
    assert find(get_dataset("mnist"), small_mnist) is None


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[:-1], "announces 10 x 28 x 28 values but has 7839"),
        (lambda content: b"<html>" + content, "an IDX file of 3 dimensions"),
        (lambda content: b"", "an IDX file of 3 dimensions"),
        (lambda content: gzip.compress(content)[:-20], "can't be read"),
    ],
)
def test_a_damaged_idx_file_is_named(small_mnist, damage, told):
    path = small_mnist / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataDamaged, match=told) as failure:
        read_dataset("mnist", small_mnist)
    assert str(path) in str(failure.value)


def draw_seven(path: Path, ink: str, ground: str) -> Path:
    image = Image.new("RGB", (200, 300), ground)
    ImageDraw.Draw(image).line([(40, 60), (150, 60), (80, 250)], fill=ink, width=20)
    image.save(path)
    return path


def test_a_drawing_becomes_like_mnists_dark_or_light(tmp_path, small_mnist):
    encode = read_dataset("mnist", small_mnist).encode
    dark = encode(str(draw_seven(tmp_path / "dark.png", "black", "white")))
    light = encode(str(draw_seven(tmp_path / "light.png", "white", "black")))
    assert dark.shape == (1, 28, 28)
    assert dark.dtype == np.uint8
    assert np.abs(dark.astype(int) - light).max() <= 1
    rows = np.flatnonzero(dark[0].any(axis=1))
    assert rows.max() - rows.min() + 1 == 20
    mass = dark[0] / dark.sum()
    assert abs((mass.sum(axis=1) @ np.arange(28)) - 13.5) < 1
    assert abs((mass.sum(axis=0) @ np.arange(28)) - 13.5) < 1


def test_a_file_that_isnt_a_drawing_is_refused_in_a_sentence(tmp_path):
    encode = read_dataset("digits").encode
    assert encode(str(draw_seven(tmp_path / "seven.png", "black", "white"))).shape == (1, 28, 28)
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    Image.new("L", (20, 20), 255).save(tmp_path / "blank.png")
    for typed, told in [
        ("7", "is not a file"),
        (str(tmp_path / "text.png"), "isn't an image"),
        (str(tmp_path / "blank.png"), "shows nothing"),
    ]:
        with pytest.raises(ValueError, match=told):
            encode(typed)


def test_bundled_tables_are_read_as_scikit_learn_reads_them(monkeypatch: pytest.MonkeyPatch):
    from datasets import breast_cancer, digits

    for module in (digits, breast_cancer):
        ours = module.read({})
        with monkeypatch.context() as patch:
            patch.setattr(module, "bundled_table", lambda *name, **how: None)
            theirs = module.read({})
        assert ours.fingerprint() == theirs.fingerprint()
        assert np.array_equal(ours.train.inputs, theirs.train.inputs)
