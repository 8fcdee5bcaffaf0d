"""What a run keeps of its data: it predicts without them, and takes no other data for them."""

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

from datasets import dataset_names, get_dataset, read_dataset
from datasets.encoders import encoder_from_record, encoder_record
from datasets.plain_records import WrongRecord
from tests.program import begin, train, tutorch
from tests.tolerances import FLOAT32
from tui_app.training.run_data import read_kept_data
from tui_app.training.run_folder import RunFolder

TYPED = {
    "breast-cancer": ",".join(["1.5"] * 30),
    "hello": "hello",
    "circles": "0.5,0.2",
    "moons": "0.5,0.2",
}
IMAGES = {"digits"}
BUNDLED = [name for name in dataset_names() if not get_dataset(name).files]


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
    """Forty rows: a decimal and a colour, by which the kind is told."""
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


@pytest.mark.parametrize("name", BUNDLED)
def test_the_encoder_of_every_set_comes_back_from_its_record(name: str, tmp_path: Path):
    data = read_dataset(name)
    record = json.loads(json.dumps(encoder_record(data.encode)))
    typed = str(picture(tmp_path)) if name in IMAGES else TYPED.get(name, "4")
    again = encoder_from_record(record)(typed)
    np.testing.assert_array_equal(again, data.encode(typed))
    assert again.shape == data.spec.input_shape


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

    monkeypatch.setattr("tui_app.training.best_model.read", refuse)
    typed = TYPED["breast-cancer"]
    assert tutorch("predict", run, typed).exit_code == 0
    monkeypatch.undo()
    (run / "data.json").unlink()  # as a run of an earlier version
    assert tutorch("predict", run, typed).exit_code == 0


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
    assert f"the data set csv:{table} is not what {run.parent.name}/{run.name} was trained" in said
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert tutorch(name, run, *options).exit_code == 0


def test_a_class_keeps_the_name_that_it_had(pets: Path):
    run = of_images(pets)
    (pets / "cat").rename(pets / "cats")
    ended = tutorch("show", run, "--view", "confusion")
    assert ended.exit_code == 0
    assert "are called cats, dog now: the run's names are used, cat, dog" in ended.err
    assert "cats" not in ended.out
    (pets / "cats").rename(pets / "zebra")  # now the second class: other targets
    assert tutorch("evaluate", run).exit_code == 1


def test_a_run_that_goes_on_keeps_its_description_and_an_earlier_one_gets_one(table: Path):
    run = of_table(table)
    path = run / "data.json"
    before = path.read_bytes()
    assert tutorch("resume", run, "--epochs", 3, "--no-tui").exit_code == 0
    assert path.read_bytes() == before
    path.unlink()
    assert tutorch("evaluate", run).exit_code == 0
    assert tutorch("resume", run, "--epochs", 4, "--no-tui").exit_code == 0
    assert path.read_bytes() == before


def test_data_that_no_encoder_is_known_for_are_read_to_predict(tmp_path: Path, monkeypatch):
    from tests.program import names

    monkeypatch.setattr("tui_app.training.prepare.read_dataset", lambda *_, **__: names())
    folder = begin("13", tmp_path / "runs", epochs=1).session.folder
    kept = read_kept_data(folder)
    assert kept is not None and kept.encoder is None
    assert tutorch("predict", folder.path, "Wang").exit_code == 0


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(data=st.data())
def test_whatever_a_description_holds_is_used_or_refused_in_a_sentence(kept_run, data):
    """One value of it is another: what is no description is exit 1, what is one predicts."""
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
        [],
        None,
    ],
)
def test_a_record_of_no_encoder_is_refused(record: Any):
    with pytest.raises(WrongRecord):
        encoder_from_record(record)


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
    kept = read_kept_data(RunFolder(run))
    assert kept is not None and kept.encoder is not None
    values = read_dataset(f"csv:{path}", target="y").train.inputs
    typed = rows[0].rpartition(",")[0]
    assert np.abs(values - kept.encoder(typed)).max(axis=1).min() < FLOAT32
