"""A run predicts without its data set, and refuses other data than it was trained with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from datasets import (
    dataset_names,
    diabetes,
    digits,
    get_dataset,
    hello,
    names,
    otto,
    read_dataset,
    titanic,
)
from datasets.own.table_encoder import Numbers, TableEncoder, Texts
from datasets.reading import drawing_encoders
from datasets.reading.encoder_records import (
    MODULES,
    StoredEncoder,
    encoder_from_record,
    encoder_record,
)
from datasets.reading.image_encoder import ImageEncoder
from datasets.reading.number_encoders import NumbersEncoder, Scale
from datasets.reading.plain_records import WrongRecord, to_plain
from datasets.titanic import Features
from tests.program import begin, train, tutorch
from tests.tolerances import FLOAT32
from tui_app.runs.run_data import read_data_record
from tui_app.runs.run_folder import RunFolder

BUNDLED = [name for name in dataset_names() if not get_dataset(name).files]
SCALE = Scale(np.array([1.0, 2.5]), np.array([0.1, 3.0]))
PASSENGER = Features(
    np.array([28.0, 0, 0, 14.5]),
    Scale(np.array([29.5, 0.5, 0.4, 33.2]), np.array([13.0, 1.1, 0.9, 50.0])),
    {"pclass": "3", "sex": "male", "embarked": "S"},
)

#: An encoder of each kind, and what the user may type; nothing for the path of an image.
ENCODERS: list[tuple[Any, str]] = [
    (NumbersEncoder(("x", "y")), "0.5,0.2"),
    (NumbersEncoder(("x", "y"), SCALE), "0.5,0.2"),
    (diabetes.MeasurementsEncoder(), "6,148,72,35,0,33.6,0.627,50"),
    (titanic.PassengerEncoder(PASSENGER), "?,?,?,1,0,7.25,?"),
    (otto.CountsEncoder(Scale(np.arange(93.0), np.arange(1.0, 94))), ",".join(["3"] * 93)),
    (TableEncoder((Numbers("a", 1.5, 2.5, 0.1), Texts("b", ("red", "blue")))), "?,blue"),
    (drawing_encoders.DrawingEncoder(box=28), ""),
    (drawing_encoders.PictureEncoder(), ""),
    (digits.ScanEncoder(), ""),
    (ImageEncoder((1, 20, 30), depth=16), ""),
    (ImageEncoder((3, 20, 30)), ""),
    (hello.WordEncoder(), "hello"),
    (names.NameEncoder(), "Müller"),
]


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of grey images, cats dark and dogs light."""
    random = np.random.default_rng(0)
    for name, brightness in (("cat", 60), ("dog", 180)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(brightness - 40, brightness + 40, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Forty rows: a decimal and a colour, which determine the kind."""
    path = tmp_path / "flowers.csv"
    rows = [f"{n % 7}.5,{('red', 'blue')[n % 2]},{('rose', 'tulip')[n % 2]}" for n in range(40)]
    path.write_text("\n".join(["length,colour,kind", *rows]) + "\n", encoding="utf-8")
    return path


def of_images(pets: Path) -> Path:
    return train("10_basic", "--dataset", f"folder:{pets}", "--epochs", 2)


def of_table(table: Path, *more: object) -> Path:
    argv = ("softmax", "--dataset", f"csv:{table}", "--target", "kind", "--epochs", 2)
    return train(*argv, *more)


def picture(tmp_path: Path) -> Path:
    path = tmp_path / "seven.png"
    pixels = np.zeros((28, 28), np.uint8)
    pixels[5:8, 8:20] = pixels[8:22, 14:17] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("encoder", "typed"), ENCODERS, ids=lambda of: type(of).__name__)
def test_every_encoder_comes_back_from_its_record(
    encoder: StoredEncoder, typed: str, tmp_path: Path
):
    again = encoder_from_record(json.loads(json.dumps(encoder_record(encoder))))
    typed = typed or str(picture(tmp_path))
    sample = again(typed)
    np.testing.assert_array_equal(sample, encoder(typed))
    assert (sample.shape, sample.dtype) == (again.shape, np.dtype(again.dtype))


def test_every_kind_of_encoder_is_tried_here():
    assert {type(encoder).__name__ for encoder, _ in ENCODERS} == set(MODULES)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_set_has_an_encoder_that_can_be_kept(name: str):
    data = read_dataset(name)
    encoder = encoder_from_record(encoder_record(data.encode))
    assert (encoder.shape, np.dtype(encoder.dtype)) == (
        data.spec.input_shape,
        data.train.inputs.dtype,
    )


def test_images_are_predicted_with_the_runs_classes_when_the_folder_is_gone(
    pets: Path, tmp_path: Path
):
    run = of_images(pets)
    image = shutil.copy(pets / "cat" / "1.png", tmp_path / "unknown.png")
    before = tutorch("predict", run, image, "--json").json
    assert set(before["probabilities"]) == {"cat", "dog"}
    shutil.rmtree(pets)
    assert tutorch("predict", run, image, "--json").json == before
    ended = tutorch("evaluate", run)
    assert (ended.exit_code, "there is no such folder" in ended.err) == (3, True)


def test_rows_are_predicted_when_the_table_is_gone(table: Path):
    run = of_table(table)
    before = tutorch("predict", run, "2.5,red", "--json").json
    table.unlink()
    assert tutorch("predict", run, "2.5,red", "--json").json == before
    ended = tutorch("predict", run, "2.5,green")
    assert (ended.exit_code, "colour is one of blue, red" in ended.err) == (2, True)
    shown = tutorch("show", run)
    assert "rose, tulip" in shown.out and "length, colour" in shown.out
    assert tutorch("show", run, "--json").json["data"]["classes"] == ["rose", "tulip"]


def test_nothing_is_read_or_fetched_to_predict(trained, monkeypatch: pytest.MonkeyPatch):
    run = trained("07", "--epochs", "1", "--dataset", "breast-cancer")

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("the data are read")

    monkeypatch.setattr("tui_app.inspection.saved_model.read_data", refuse)
    typed = ",".join(["1.5"] * 30)
    assert tutorch("predict", run, typed).exit_code == 0
    monkeypatch.undo()
    (run / "data.json").unlink()  # as a run of an earlier version
    assert tutorch("predict", run, typed).exit_code == 0


def test_a_set_of_the_course_isnt_fetched_to_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "data" / "names"
    folder.mkdir(parents=True)
    for name in ("names_train.csv", "names_test.csv"):
        rows = ["Smith,English", "Wang,Chinese"] * 20
        (folder / name).write_text("\n".join(rows), encoding="utf-8")
    run = train("13", "--dataset", "names", "--data-dir", tmp_path / "data", "--epochs", 1)
    before = tutorch("predict", run, "Wang", "--json").json
    assert set(before["probabilities"]) == {"Chinese", "English"}
    shutil.rmtree(tmp_path / "data")

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("the data are fetched")

    monkeypatch.setattr("datasets.locate", refuse)
    assert tutorch("predict", run, "Wang", "--json").json == before


COMMANDS = [
    ("evaluate",),
    ("export", "--out", "script.py"),
    ("show", "--view", "confusion"),
    ("resume", "--epochs", "4", "--no-tui"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_other_data_are_refused(command: tuple[str, ...], table: Path):
    run = of_table(table)
    name, *options = command
    rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([*rows[:-1], "6.5,red,tulip"]) + "\n", encoding="utf-8")
    ended = tutorch(name, run, *options)
    assert (ended.exit_code, ended.out) == (1, "")
    said = " ".join(ended.err.split())
    trained = f"{run.parent.name}/{run.name}"
    assert f"the data set csv:{table} differs from the one that {trained} was trained with" in said
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert tutorch(name, run, *options).exit_code == 0


def test_a_class_keeps_the_name_that_it_had(pets: Path):
    run = of_images(pets)
    (pets / "cat").rename(pets / "cats")
    ended = tutorch("show", run, "--view", "confusion")
    assert ended.exit_code == 0
    assert "are called cats, dog now: the run's names are used, cat, dog" in ended.err
    assert "cats" not in ended.out
    ended = tutorch("resume", run, "--epochs", 3, "--no-tui")
    assert ended.exit_code == 0
    assert "are called cats, dog now: the run's names are used, cat, dog" in ended.err
    (pets / "cats").rename(pets / "zebra")  # now the second class: other targets
    assert tutorch("evaluate", run).exit_code == 1


def test_a_resumed_run_keeps_its_data_record_and_an_earlier_one_gets_one(table: Path):
    run = of_table(table)
    path = run / "data.json"
    before = path.read_bytes()
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0
    assert path.read_bytes() == before
    path.unlink()
    assert tutorch("evaluate", run).exit_code == 0
    assert tutorch("resume", run, "--epochs", 4, "--no-tui").exit_code == 0
    assert path.read_bytes() == before


def test_data_without_a_recorded_encoder_are_read_to_predict(tmp_path: Path, monkeypatch):
    from tests.program import names as few_names

    monkeypatch.setattr("tui_app.training.prepare.read_dataset", lambda *_, **__: few_names())
    folder = begin("13", tmp_path / "runs", epochs=1).session.folder
    kept = read_data_record(folder)
    assert kept is not None and kept.encoder is None
    assert tutorch("predict", folder.path, "Wang").exit_code == 0


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(data=st.data())
def test_any_data_record_is_used_or_refused_with_a_message(kept_run, data):
    """With one value changed, the run predicts, or exits with 1 if the record is invalid."""
    record = json.loads((kept_run / "data.json.original").read_text(encoding="utf-8"))
    name = data.draw(st.sampled_from(sorted(record)))
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    value = data.draw(scalar | st.lists(scalar, max_size=4) | st.dictionaries(st.text(), scalar))
    text = json.dumps({**record, name: value})
    (kept_run / "data.json").write_text(text, encoding="utf-8")
    ended = tutorch("predict", kept_run, "2.5,red")
    assert ended.exit_code in (0, 1, 2)


@pytest.fixture(scope="module")
def kept_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose data.json has a copy beside it."""
    folder = tmp_path_factory.mktemp("kept")
    path = folder / "flowers.csv"
    rows = [f"{n % 7}.5,{('red', 'blue')[n % 2]},{('rose', 'tulip')[n % 2]}" for n in range(40)]
    path.write_text("\n".join(["length,colour,kind", *rows]) + "\n", encoding="utf-8")
    run = of_table(path, "--runs-dir", folder / "runs")
    shutil.copy(run / "data.json", run / "data.json.original")
    return run


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "os.system"},
        {"kind": "NumbersEncoder", "names": ["x"]},
        {"kind": "NumbersEncoder", "names": ["x"], "scale": {"kind": "Scale", "mean": [1]}},
        {"kind": "NumbersEncoder", "names": [1], "scale": None},
        {"kind": "TableEncoder", "columns": [{"kind": "Scale", "mean": [1], "std": [1]}]},
        {"kind": "ImageEncoder", "shape": [1, 20]},
        {"kind": "DrawingEncoder", "side": 28.0, "box": 20},
        {"kind": "DrawingEncoder", "side": 28, "box": 20, "more": 1},
        {"kind": "DrawingEncoder", "side": 28, "box": 29},
        {"kind": "ImageEncoder", "shape": [4, 20, 20], "depth": 8},
        {"kind": "NumbersEncoder", "names": ["x"], "scale": to_plain(SCALE)},
        {"kind": "TableEncoder", "columns": [{**to_plain(Numbers("a", 1, 2, 3)), "std": 0}]},
        {"kind": "PassengerEncoder", "features": {**to_plain(PASSENGER), "most_frequent": {}}},
        [],
        None,
    ],
)
def test_a_record_of_no_encoder_is_refused(record: Any):
    with pytest.raises(WrongRecord):
        encoder_from_record(record)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": ["rose", "tulip", "lily"], "task": "binary"}, "its classes don't suit"),
        ({"classes": ["rose"]}, "its classes don't suit"),
        ({"std": 0}, "its std isn't above 0"),
        ({"mean": [0.5, 0.5]}, "its mean or std isn't one number"),
        ({"input_shape": [4]}, "samples don't fit the model"),
        ({"dtype": "int64"}, "samples don't fit the model"),
        # A picture of 12 GB, were it made before anything is compared.
        ({"encoder": {"kind": "PictureEncoder", "side": 2**16}}, "samples don't fit"),
    ],
)
def test_a_contradictory_data_record_is_refused(
    kept_run: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
):
    record = json.loads((kept_run / "data.json.original").read_text(encoding="utf-8"))
    (kept_run / "data.json").write_text(json.dumps({**record, **changes}), encoding="utf-8")
    ended = tutorch("predict", kept_run, picture(tmp_path))
    assert (ended.exit_code, sentence in " ".join(ended.err.split())) == (1, True)


def test_a_column_with_a_very_long_name_is_kept(tmp_path: Path):
    path = tmp_path / "long.csv"
    rows = [f"{n % 7}.5,{n % 2}" for n in range(40)]
    path.write_text("\n".join([f"{'n' * 20_000},y", *rows]) + "\n", encoding="utf-8")
    run = train("07", "--dataset", f"csv:{path}", "--target", "y", "--epochs", 1)
    assert tutorch("predict", run, "2.5").exit_code == 0


def test_a_table_of_very_many_columns_is_kept_beside_run_json(tmp_path: Path):
    width = 3000
    header = ",".join([*(f"column {n}" for n in range(width)), "y"])
    random = np.random.default_rng(0)
    rows = [
        ",".join([*(f"{v:.3f}" for v in random.normal(size=width)), str(n % 2)]) for n in range(20)
    ]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    run = train("softmax", "--dataset", f"csv:{path}", "--target", "y", "--epochs", 1)
    assert (run / "run.json").stat().st_size < 2**16
    kept = read_data_record(RunFolder(run))
    assert kept is not None and kept.encoder is not None
    values = read_dataset(f"csv:{path}", target="y").train.inputs
    typed = rows[0].rpartition(",")[0]
    assert np.abs(values - kept.encoder(typed)).max(axis=1).min() < FLOAT32
