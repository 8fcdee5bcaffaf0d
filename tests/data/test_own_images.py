"""`folder:DIR`: the depth of images, their formats, splits, and notes on their classes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datasets import DataDamaged, read_dataset
from datasets.own import image_folder
from datasets.reading.image_files import FORMATS, SUFFIXES
from tests.program import tutorch
from tests.tolerances import FLOAT32
from tui_app.training.data.device_split import DeviceSplit


def save(path: Path, pixels: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".pgm" and pixels.dtype == np.uint16:  # which older Pillows can't write
        height, width = pixels.shape
        header = f"P5\n{width} {height}\n65535\n".encode()
        path.write_bytes(header + pixels.astype(">u2").tobytes())
        return
    Image.fromarray(pixels).save(path, **options)


def deep(folder: Path, count: int = 20, suffix: str = ".png") -> str:
    """Images of 16 bits whose two classes differ only in the lower eight."""
    for number in range(count):
        levels = np.full((6, 5), 0x1200 + (200 if number % 2 else 20) + number, np.uint16)
        save(folder / "ab"[number % 2] / f"{number:02}{suffix}", levels)
    return f"folder:{folder}"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_images_of_16_bits_keep_their_depth_and_one_channel(tmp_path, suffix):
    data = read_dataset(deep(tmp_path, suffix=suffix))
    assert data.spec.input_shape == (1, 6, 5)
    assert data.train.inputs.dtype == np.uint16
    assert sorted({int(v) for v in data.train.inputs[:, 0, 0, 0]})[:2] == [0x1200 + 20, 0x1200 + 22]
    assert "20 images as 1 x 6 x 5, in 16 bits" in data.notes
    shares = data.train.inputs / 65535
    assert data.mean == pytest.approx((shares.mean(),), rel=FLOAT32)
    assert data.std == pytest.approx((shares.std(),), rel=FLOAT32)
    assert data.encode(str(tmp_path / "b" / f"03{suffix}"))[0, 0, 0] == 0x1200 + 203


def test_the_model_sees_16_bits_normalised(tmp_path):
    data = read_dataset(deep(tmp_path))
    bright = data.train.inputs.copy()
    bright[0] = 65535  # beyond what an int16 holds
    split = DeviceSplit.of(type(data.train)(bright, data.train.targets), data, torch.device("cpu"))
    inputs, _ = split.gather(torch.tensor([0, 1]))
    expected = (bright[:2] / 65535 - data.mean[0]) / data.std[0]  # type: ignore[index]
    assert inputs.numpy() == pytest.approx(expected, rel=1e-4)  # the std is 1/700: float32 cancels


def test_a_run_on_16_bits_predicts_and_exports_by_them(tmp_path):
    name = deep(tmp_path / "images", 40)
    trained = tutorch("--no-tui", "softmax", "--dataset", name, "--epochs", 30, "--lr", 0.05)
    record = json.loads((trained.run / "run.json").read_text(encoding="utf-8"))
    assert record["normalisation"]["brightest"] == 65535
    for number, letter in ((0, "a"), (1, "b"), (38, "a"), (39, "b")):
        image = tmp_path / "images" / letter / f"{number:02}.png"
        assert f"{letter} " in tutorch("predict", trained.run, image).out.splitlines()[0]
    script = Path(tutorch("export", trained.run).out.strip()).read_text(encoding="utf-8")
    assert ".div_(65535)" in script
    compile(script, "script.py", "exec")


def test_colour_among_deep_images_makes_all_8_bits_of_three_channels(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "_SAMPLE", 1)  # so the coloured one isn't in the sample
    name = deep(tmp_path)
    save(tmp_path / "b" / "99.png", np.full((6, 5, 3), (255, 0, 0), np.uint8))
    data = read_dataset(name)
    assert data.spec.input_shape == (3, 6, 5)
    assert data.train.inputs.dtype == np.uint8
    assert {int(v) for v in data.train.inputs[:, 1].ravel()} <= {0, 0x12}


def test_an_unexpected_size_scales_all_images(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "_SAMPLE", 1)
    name = deep(tmp_path)
    save(tmp_path / "b" / "99.png", np.full((90, 70), 40_000, np.uint16))
    data = read_dataset(name)
    assert data.spec.input_shape == (1, 64, 64)
    assert data.train.inputs.dtype == np.uint16
    assert int(data.encode(str(tmp_path / "b" / "99.png")).min()) == 40_000


def test_floating_point_images_go_from_0_to_1(tmp_path):
    for number in range(10):
        values = np.full((4, 4), number / 10, np.float32)
        save(tmp_path / "ab"[number % 2] / f"{number}.tif", values)
    data = read_dataset(f"folder:{tmp_path}")
    assert data.encode(str(tmp_path / "b" / "5.tif"))[0, 0, 0] == round(0.5 * 65535)
    save(tmp_path / "b" / "x.tif", np.full((4, 4), 300.0, np.float32))
    with pytest.raises(DataDamaged, match=r"x\.tif .*floating-point numbers from 300 to 300"):
        read_dataset(f"folder:{tmp_path}")
    save(tmp_path / "b" / "x.tif", np.full((4, 4), 70_000, np.int32))
    with pytest.raises(DataDamaged, match=r"x\.tif .*32-bit whole numbers from 70000 to 70000"):
        read_dataset(f"folder:{tmp_path}")


def test_a_16_bit_digit_is_read_by_a_model_of_8_bits(tmp_path):
    levels = np.zeros((28, 28), np.uint16)
    levels[6:22, 13:15] = 40_000
    save(tmp_path / "deep.png", levels)
    save(tmp_path / "flat.png", (levels >> 8).astype(np.uint8))
    encode = read_dataset("digits").encode
    assert (encode(str(tmp_path / "deep.png")) == encode(str(tmp_path / "flat.png"))).all()


def test_palettes_and_transparency_are_colours_on_white(tmp_path):
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    for number in range(5):
        for letter, image in (("a", palette), ("b", clear)):
            (tmp_path / letter).mkdir(exist_ok=True)
            image.save(tmp_path / letter / f"{number}.png")
    data = read_dataset(f"folder:{tmp_path}")
    assert data.encode(str(tmp_path / "a" / "0.png"))[:, 0, 0].tolist() == [10, 20, 30]
    assert data.encode(str(tmp_path / "b" / "0.png"))[:, 0, 0].tolist() == [255, 255, 255]


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"


def test_an_eps_called_png_starts_no_ghostscript(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    def ghostscript(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    name = deep(tmp_path)
    (tmp_path / "a" / "x.png").write_bytes(EPS)
    with Image.open(io.BytesIO(EPS)) as image:
        assert image.format == "EPS", "Pillow would open it"
    with pytest.raises(DataDamaged, match=r"x\.png isn't an image of one of these formats: BMP"):
        read_dataset(name)
    with pytest.raises(ValueError, match=r"x\.png isn't an image"):
        read_dataset("digits").encode(str(tmp_path / "a" / "x.png"))


def test_every_suffix_has_its_format():
    Image.init()
    assert {Image.EXTENSION[suffix] for suffix in SUFFIXES} == set(FORMATS)


@pytest.mark.parametrize(
    ("train", "test"), [("Train", "TEST"), ("TRAIN", "Val"), ("train", "Validation")]
)
def test_the_folders_of_a_split_may_be_in_any_case(tmp_path, train, test):
    deep(tmp_path / train, 12)
    deep(tmp_path / test, 4)
    data = read_dataset(f"folder:{tmp_path}")
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (12, 4)
    assert data.spec.classes == ("a", "b")
    assert f"{train} is the train set, {test} the test set" in data.notes


def test_one_of_test_and_val_is_left_out_with_a_note(tmp_path):
    for part, count in (("train", 12), ("test", 4), ("val", 6)):
        deep(tmp_path / part, count)
    data = read_dataset(f"folder:{tmp_path}")
    assert data.test is not None
    assert len(data.test) == 4
    assert "val is left out: test is used" in data.notes


def test_a_train_folder_alone_is_split(tmp_path):
    deep(tmp_path / "Train", 20)
    data = read_dataset(f"folder:{tmp_path}")
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (16, 4)


def test_the_classes_are_named(tmp_path):
    for number in range(12):
        save(tmp_path / f"class {number:02}" / "x.png", np.zeros((2, 2), np.uint8))
    notes = "; ".join(read_dataset(f"folder:{tmp_path}").notes)
    assert "12 classes: class 00, class 01, " in notes
    assert "class 09 and 2 more" in notes
    said = tutorch("--no-tui", "softmax", "--dataset", deep(tmp_path / "two"), "--epochs", 1).err
    assert "2 classes: a, b" in said
