"""The user's tables and images: what is read, and the errors for what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets import DataDamaged, DataUnavailable, UnknownDataset, get_dataset, read_dataset
from datasets.own import mapped
from datasets.own import table as table_file
from tests.tolerances import FLOAT32, FLOAT64


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"csv:{path}"


def flowers(tmp_path: Path, header: str = "id,length,colour,always,kind") -> str:
    """Forty rows: kind follows from length, and one length and one colour are missing."""
    rows = [
        f"{n},{n % 20 / 10},{('red', 'blue')[n % 2]},1,{('rose', 'tulip')[n >= 20]}"
        for n in range(40)
    ]
    rows[3] = "3,,red,1,rose"
    rows[4] = "4,0.4,?,1,rose"
    return write(tmp_path / "flowers.csv", header, *rows)


def test_a_table_of_numbers_and_texts(tmp_path):
    data = read_dataset(flowers(tmp_path), target="kind")
    assert data.spec.task == "binary"
    assert data.spec.classes == ("rose", "tulip")
    assert data.spec.input_shape == (3,)
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (32, 8)
    assert data.test.targets.sum() == 4
    length, *colours = data.encode("?,red")
    assert abs(length) < 0.5
    assert colours == [0, 1]
    assert np.isfinite(data.train.inputs).all()
    assert data.train.inputs[:, 0].mean() == pytest.approx(0, abs=FLOAT32)
    notes = "; ".join(data.notes)
    for note in ("id is left out", "always is left out", "length: missing values", "rose, tulip"):
        assert note in notes


def test_a_table_that_does_not_fit_into_memory_is_read_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))
    rows = [f"{n % 97},{('a', 'b')[n % 2]},{n % 3 // 2}" for n in range(5000)]
    name = write(tmp_path / "large.csv", "x,text,y", *rows)
    whole = read_dataset(name, target="y")
    monkeypatch.setattr(mapped, "IN_MEMORY", 20_000)
    monkeypatch.setattr(table_file, "SAMPLE", 20_000)
    monkeypatch.setattr(table_file, "CHUNK", 700)
    streamed = read_dataset(name, target="y")
    assert isinstance(streamed.train.inputs, np.memmap)
    assert (streamed.train.targets == whole.train.targets).all()
    assert streamed.test is not None
    assert whole.test is not None
    assert (streamed.test.inputs[:, 1:] == whole.test.inputs[:, 1:]).all()
    assert np.abs(streamed.test.inputs - whole.test.inputs).max() < 0.2, "scaled by a sample"


def test_a_target_of_numbers_is_a_regression_unless_a_task_is_given(tmp_path):
    assert read_dataset(flowers(tmp_path), target="length").spec.task == "regression"
    data = read_dataset(flowers(tmp_path), target="kind", task="multiclass")
    assert data.spec.outputs == 2
    assert data.train.targets.dtype == np.int64
    with pytest.raises(DataDamaged, match="'rose', but the model predicts a number"):
        read_dataset(flowers(tmp_path), target="kind", task="regression")


def test_rows_without_a_target_are_left_out_with_a_note(tmp_path):
    rows = [f"{n},{n % 2}" for n in range(20)]
    name = write(tmp_path / "t.csv", "x,y", *rows, "5,", "6,NA")
    data = read_dataset(name, target="y")
    assert data.test is not None
    assert len(data.train) + len(data.test) == 20
    assert "2 rows without y are left out (line 22, 23)" in data.notes


def test_semicolons_quotes_and_line_breaks_in_cells(tmp_path):
    rows = [f'"{n};\n{n}";{n},{n % 3}' for n in range(9)]
    name = write(
        tmp_path / "t.csv", "text;x,y;z", *[f"{row};{n % 2}" for n, row in enumerate(rows)]
    )
    assert get_dataset(name, target="z").name == name
    with pytest.raises(DataDamaged, match="no column to learn from"):
        read_dataset(write(tmp_path / "u.csv", "a,b", *["1,2", "1,3"] * 9), target="b")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["x,y", "1,a", "2,b", "oops,a", "3,b"], "line 4, column 'x': 'oops' is not a number"),
        (["x,y", "1,a", "2,b", "inf,a", "3,b"], "line 4, column 'x': 'inf' is not a number"),
        (["x,y", "1,a", "2,b,c"], "line 3 has 3 cells, but there are 2 columns"),
        (["x,y", "1,a", "2,a"], "fewer than two different values"),
        (["x,y", "1,a", "2,b", "3,c"], "3 different values in 3 rows"),
        (["y,y", "1,a"], "column names, all different"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_line(tmp_path, lines, told):
    with pytest.raises(DataDamaged, match=told):
        read_dataset(write(tmp_path / "t.csv", *lines), target="y")


def test_an_unknown_column_brings_the_nearest(tmp_path):
    with pytest.raises(UnknownDataset, match="has no column 'kin': which of kind"):
        get_dataset(flowers(tmp_path), target="kin")
    with pytest.raises(UnknownDataset, match="needs --target"):
        get_dataset(flowers(tmp_path))
    with pytest.raises(UnknownDataset, match="--target needs csv:FILE"):
        get_dataset("digits", target="kind")
    with pytest.raises(DataUnavailable, match="no such file"):
        get_dataset(f"csv:{tmp_path}/nothing.csv", target="x")


def draw(folder: Path, count: int, size: tuple[int, int], mode: str = "RGB") -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new(mode, size, number * 10 + 5).save(folder / f"{number}.png")


def test_a_folder_of_images_for_each_class(tmp_path):
    draw(tmp_path / "cats", 10, (20, 30), "L")
    draw(tmp_path / "dogs", 5, (20, 30), "L")
    (tmp_path / "dogs" / "Thumbs.db").touch()
    data = read_dataset(f"folder:{tmp_path}")
    assert data.spec.classes == ("cats", "dogs")
    assert data.spec.input_shape == (1, 30, 20)
    assert data.test is not None
    assert data.test.targets.ravel().tolist() == [0, 0, 1]
    pixels = data.train.inputs / 255
    assert data.mean == pytest.approx((pixels.mean(),), rel=FLOAT64)
    assert data.std == pytest.approx((pixels.std(),), rel=FLOAT64)
    assert (
        data.encode(str(tmp_path / "cats" / "3.png")).tolist() == np.full((1, 30, 20), 35).tolist()
    )


def test_images_of_several_sizes_and_the_users_split(tmp_path):
    for part, count in (("train", 4), ("test", 2)):
        draw(tmp_path / part / "a", count, (100, 50))
        draw(tmp_path / part / "b", count, (30, 30))
        draw(tmp_path / part / "c", count, (8, 8), "L")
    data = read_dataset(f"folder:{tmp_path}")
    assert data.spec.input_shape == (3, 64, 64)
    assert data.train.targets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.test is not None
    assert len(data.test) == 6


def test_images_that_do_not_fit_into_memory_are_read_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))
    draw(tmp_path / "images" / "a", 5, (16, 16))
    draw(tmp_path / "images" / "b", 5, (16, 16))
    whole = read_dataset(f"folder:{tmp_path}/images")
    monkeypatch.setattr(mapped, "IN_MEMORY", 100)
    from_cache = read_dataset(f"folder:{tmp_path}/images")
    assert isinstance(from_cache.train.inputs, np.memmap)
    assert from_cache.fingerprint() == whole.fingerprint()
    assert (from_cache.mean, from_cache.std) == (whole.mean, whole.std)
    assert read_dataset(f"folder:{tmp_path}/images").fingerprint() == whole.fingerprint()


def test_what_is_wrong_in_a_folder_is_named(tmp_path):
    with pytest.raises(DataUnavailable, match="no such folder"):
        get_dataset(f"folder:{tmp_path}/nothing")
    draw(tmp_path / "a", 2, (8, 8))
    with pytest.raises(DataDamaged, match="two classes or more"):
        read_dataset(f"folder:{tmp_path}")
    (tmp_path / "b").mkdir()
    with pytest.raises(DataDamaged, match="b has no images"):
        read_dataset(f"folder:{tmp_path}")
    (tmp_path / "b" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nonsense")
    with pytest.raises(DataDamaged, match=r"broken\.png"):
        read_dataset(f"folder:{tmp_path}")
