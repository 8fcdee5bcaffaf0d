"""The course's data sets, read from small files in exactly the published formats."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets import DataDamaged, cifar10, diabetes, get_dataset, names, otto, read_dataset, titanic
from datasets.fetching.disk import find
from datasets.reading.pickled_arrays import read_pickled_batch
from tests.program import tutorch
from tests.tolerances import FLOAT32, SUMMED


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))


def pima() -> tuple[np.ndarray, np.ndarray]:
    """768 rows of measurements within Pima's ranges, 268 of them diabetic."""
    random = np.random.RandomState(0)
    measured = random.uniform(diabetes.LEAST, diabetes.GREATEST, (768, 8)).round(3)
    measured[0] = diabetes.LEAST
    diabetic = np.arange(768) < 268 + 1  # five of the dropped rows are among them
    return measured, diabetic


def test_diabetes_is_rebuilt_from_pima(tmp_path):
    measured, diabetic = pima()
    kept = np.delete(np.arange(768), diabetes.DROPPED)
    diabetic[kept[263:]] = False
    arff = ["@relation pima", *(f"@attribute '{name}' real" for name in diabetes.FEATURES)]
    arff += ["@attribute 'class' {tested_negative,tested_positive}", "% a comment", "@data"]
    said = np.where(diabetic, "tested_positive", "tested_negative")
    arff += [
        ",".join(map(str, row)) + f",{label}" for row, label in zip(measured, said, strict=True)
    ]
    (tmp_path / "diabetes.arff").write_text("\n".join(arff), encoding="utf-8")
    csv = ["a,b,c,d,e,f,g,h,Outcome"]
    csv += [
        ",".join(map(str, [*row, int(label)]))
        for row, label in zip(measured, diabetic, strict=True)
    ]
    (tmp_path / "pima.csv").write_text("\n".join(csv), encoding="utf-8")

    rows = diabetes.read_rows(tmp_path / "diabetes.arff")
    assert rows.shape == (759, 9)
    assert rows[0].tolist() == [0] * 9, "the least value is 0, not -1, and 0 is diabetic"
    assert rows[1, :8] == pytest.approx(
        2 * (measured[1] - diabetes.LEAST) / (diabetes.GREATEST - diabetes.LEAST) - 1, abs=FLOAT32
    )
    assert (rows[:, 8] == ~diabetic[kept]).all()
    assert (rows == diabetes.read_rows(tmp_path / "pima.csv")).all()

    folder = tmp_path / "Diabetes"
    folder.mkdir()
    np.savetxt(folder / "diabetes.csv", rows, delimiter=",", fmt="%g")
    whole = read_dataset("diabetes", tmp_path)
    assert whole.spec.classes == ("diabetic", "not diabetic")
    assert whole.test is None
    typed = ",".join(map(str, measured[1]))
    assert whole.encode(typed) == pytest.approx(rows[1, :8], abs=FLOAT32)
    divided = read_dataset("diabetes-split", tmp_path)
    assert divided.test is not None
    assert (len(divided.train), len(divided.test)) == (607, 152)
    assert divided.test.targets.mean() == pytest.approx(496 / 759, abs=1 / len(divided.test))


def test_a_different_diabetes_file_is_refused(tmp_path):
    (tmp_path / "diabetes").mkdir()
    (tmp_path / "diabetes" / "diabetes.csv").write_text("0.1,0.2,1\n" * 442, encoding="utf-8")
    with pytest.raises(DataDamaged, match="not the course's diabetes data"):
        read_dataset("diabetes", tmp_path)


def passengers(count: int, survivors: int) -> list[tuple[object, ...]]:
    """pclass, survived, name, sex, age, sibsp, parch, fare, embarked; some unknown."""
    rows = []
    for n in range(count):
        name, sex = f'O\'Hara, Mrs. {n} ("Nell")', ("female", "male")[n % 2]
        age, port = ("" if n % 5 == 0 else n % 60 + 0.5), ("" if n == 7 else "SCQ"[n % 3])
        rows.append((n % 3 + 1, int(n < survivors), name, sex, age, n % 3, n % 2, n / 10, port))
    return rows


def check_titanic(data, rows: int) -> None:
    assert data.spec.classes == ("died", "survived")
    assert data.spec.input_shape == (12,)
    assert data.test is not None
    assert len(data.train) + len(data.test) == rows
    assert np.isfinite(data.train.inputs).all()
    assert data.train.inputs[:, :4].mean(axis=0) == pytest.approx(0, abs=FLOAT32)
    assert (data.train.inputs[:, 4:].sum(axis=1) == 3).all(), "one class, one sex, one port"
    assert (data.encode("3,male,?,1,0,7.25,s")[4:] == [0, 0, 1, 0, 1, 0, 0, 1]).all()
    for typed, told in [
        ("3,male,22,1,0", "7 values"),
        ("4,male,22,1,0,7.25,S", "pclass is one of 1, 2, 3"),
        ("3,male,-1,1,0,7.25,S", "below 0"),
    ]:
        with pytest.raises(ValueError, match=told):
            data.encode(typed)


def test_titanic_from_openml(tmp_path):
    header = ["@relation 'd'", "@attribute 'pclass' numeric", "@attribute 'survived' {0,1}"]
    header += ["@attribute 'name' string", "@attribute 'sex' {'female','male'}"]
    header += [f"@attribute '{name}' numeric" for name in ("age", "sibsp", "parch")]
    header += ["@attribute 'fare' numeric", "@attribute 'embarked' {'C','Q','S'}", "", "@data"]
    rows = []
    for row in passengers(1309, 500):
        name = '"' + str(row[2]).replace('"', '\\"') + '"'
        cells = [str(cell) if cell != "" else "?" for cell in row]
        cells[2], cells[3] = name, f'"{row[3]}"'
        rows.append(",".join(cells))
    (tmp_path / "Titanic.arff").write_text("\n".join(header + rows), encoding="utf-8")
    check_titanic(titanic.read({"Titanic.arff": tmp_path / "Titanic.arff"}), 1309)


def test_titanic_from_kaggle_is_found_in_the_users_folder(tmp_path):
    lines = ["PassengerId,Pclass,Survived,Name,Sex,Age,SibSp,Parch,Fare,Embarked"]
    for number, row in enumerate(passengers(891, 342)):
        cells = [number, *row]
        cells[3] = '"' + str(row[2]).replace('"', '""') + '"'
        lines.append(",".join(map(str, cells)))
    (tmp_path / "titanic").mkdir()
    (tmp_path / "titanic" / "train.csv").write_text("\r\n".join(lines), encoding="utf-8")
    check_titanic(read_dataset("titanic", tmp_path), 891)

    (tmp_path / "titanic" / "train.csv").write_text("\n".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(DataDamaged, match="it has 890 rows"):
        read_dataset("titanic", tmp_path)


def test_otto_from_kaggle(tmp_path, monkeypatch):
    monkeypatch.setattr(otto, "COUNTS", (10,) * 9)
    random = np.random.RandomState(0)
    lines = ["id," + ",".join(otto.FEATURES) + ",target"]
    for number in range(90):
        counts = random.poisson(1, 93)
        lines.append(f"{number + 1},{','.join(map(str, counts))},Class_{number // 10 + 1}")
    (tmp_path / "otto").mkdir()
    (tmp_path / "otto" / "train.csv").write_text("\n".join(lines), encoding="utf-8")
    data = read_dataset("otto", tmp_path)
    assert data.spec.input_shape == (93,)
    assert data.test is not None
    assert np.bincount(data.test.targets).tolist() == [2] * 9
    assert data.train.inputs.std(axis=0) == pytest.approx(1, rel=SUMMED)
    counts = lines[1].partition(",")[2].rpartition(",")[0]
    assert data.encode(counts) in data.train.inputs
    (tmp_path / "otto" / "train.csv").write_text("\n".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(DataDamaged, match="doesn't have Otto's 61878 rows"):
        read_dataset("otto", tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "otto/train.csv.gz",
        "train.csv.gz",
        "train.csv.zip",
        "otto-group-product-classification-challenge.zip",
    ],
)
def test_otto_is_found_packed_as_kaggle_serves_it(tmp_path, monkeypatch, name):
    monkeypatch.setattr(otto, "COUNTS", (5,) * 9)
    lines = ["id," + ",".join(otto.FEATURES) + ",target"]
    for n in range(45):
        counts = ",".join(str((n + k) % 3) for k in range(93))
        lines.append(f"{n + 1},{counts},Class_{n // 5 + 1}")
    content = "\n".join(lines).encode()
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("train.csv", content)
            archive.writestr("sampleSubmission.csv", b"id,Class_1\n")
    assert read_dataset("otto", tmp_path).train.inputs.shape == (36, 93)


def test_train_csv_of_one_set_isnt_used_for_another(tmp_path):
    (tmp_path / "train.csv").write_text("PassengerId,Survived,Pclass,Name\n1,0,3,x\n")
    assert find(get_dataset("otto"), tmp_path) is None
    assert find(get_dataset("titanic"), tmp_path) == {"train.csv": tmp_path / "train.csv"}


def test_a_run_says_which_set_of_its_lecture_is_in_data_dir(tmp_path):
    mine = tmp_path / "mine"
    (mine / "mnist").mkdir(parents=True)
    for file in get_dataset("mnist").files:
        (mine / "mnist" / file.name).touch()
    said = f"{mine} has mnist, but this run uses digits: --dataset mnist trains on it"
    argv = ("--no-tui", "softmax", "--epochs", 1)
    ended = tutorch(*argv, "--data-dir", mine)
    assert said in ended.err
    assert said not in tutorch("resume", ended.run, "--epochs", 2).err
    assert "lies in" not in tutorch(*argv, "--data-dir", mine, "--dataset", "digits").err
    assert "lies in" not in tutorch(*argv, "--data-dir", tmp_path).err


def test_names(tmp_path):
    (tmp_path / "names").mkdir()
    train = '"Adsit","Czech"\n"O\'Hara","Irish"\n"van der Berg","Dutch"\n'
    (tmp_path / "names" / "names_train.csv").write_bytes(train.encode())
    (tmp_path / "names" / "names_test.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataDamaged, match=r"names_test\.csv"):
        read_dataset("names", tmp_path)
    (tmp_path / "names" / "names_test.csv").write_bytes(b'"Abl","Czech"\n')
    data = read_dataset("names", tmp_path)
    assert data.spec.classes == ("Czech", "Dutch", "Irish")
    assert data.train.targets.tolist() == [0, 2, 1]
    assert data.train.inputs[0].tolist() == [*map(ord, "Adsit"), *[0] * 14]
    assert data.train.inputs.dtype == data.train.targets.dtype == np.int64


def test_a_typed_name_loses_its_accents_and_nothing_else():
    assert bytes(names.encode("Müller").tolist()).rstrip(b"\0") == b"Muller"
    assert bytes(names.encode(" O\u2019Hara ").tolist()).rstrip(b"\0") == b"O'Hara"
    for typed, told in [
        ("王", "Latin letters, .* instead of 王"),
        ("", "1 to 19"),
        ("x" * 20, "not 20"),
    ]:
        with pytest.raises(ValueError, match=told):
            names.encode(typed)


def test_hello():
    data = read_dataset("hello")
    assert data.train.inputs.tolist() == [[1, 0, 2, 2, 3]]
    assert data.train.targets.tolist() == [[3, 1, 2, 3, 2]]
    with pytest.raises(ValueError, match="five of the letters"):
        data.encode("world")


def cifar_batch(first: int) -> tuple[np.ndarray, list[int]]:
    pixels = (np.arange(4 * 3072) + first).astype(np.uint8).reshape(4, 3072)
    return pixels, [(first + n) % 10 for n in range(4)]


def python2_pickle(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The pickle that Python 2 and its numpy made of {"labels": [...], "data": array}."""
    whole = [b"J" + struct.pack("<i", length) for length in pixels.shape]
    return b"".join(
        [
            *(
                b"\x80\x02}(U\x06labels](",
                *(b"K" + bytes([label]) for label in labels),
                b"eU\x04data",
            ),
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01",
            *whole,
            b"\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xff",
            b"J\xff\xff\xff\xffK\x00tb\x89T",
            struct.pack("<i", pixels.nbytes) + pixels.tobytes() + b"tbu.",
        ]
    )


BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


def archive(path: Path, kind: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for number, name in enumerate(BATCHES):
            pixels, labels = cifar_batch(number)
            rows = np.column_stack([np.array(labels, np.uint8), pixels])
            content = python2_pickle(pixels, labels) if kind == "py" else rows.tobytes()
            suffix = ".bin" if kind == "bin" else ""
            member = tarfile.TarInfo(f"cifar-10-batches-{kind}/{name}{suffix}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["py", "bin"])
def test_cifar10_from_its_archives_and_unpacked(tmp_path, kind):
    path = archive(tmp_path / "cifar.tar.gz", kind)
    data = cifar10.read({path.name: path})
    assert data.train.inputs.shape == (20, 3, 32, 32)
    assert data.test is not None
    pixels, labels = cifar_batch(5)
    assert (data.test.inputs == pixels.reshape(4, 3, 32, 32)).all()
    assert data.test.targets.tolist() == labels
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path, filter="data")
    assert read_dataset("cifar10", tmp_path).fingerprint() == data.fingerprint()


class Malice:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_no_pickle_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in BATCHES:
        Path(name).write_bytes(pickle.dumps({b"data": Malice(), b"labels": []}, protocol=2))
    with pytest.raises(DataDamaged, match=r"data_batch_1 isn't a pickle of images"):
        cifar10.read({name: Path(name) for name in BATCHES})
    assert not Path("executed").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02}.", b"nonsense", b"\x80\x02]."])
def test_a_damaged_batch_is_named(tmp_path, content):
    (tmp_path / "data_batch_1").write_bytes(content)
    with pytest.raises(DataDamaged, match="data_batch_1"):
        cifar10.read({"data_batch_1": tmp_path / "data_batch_1"})


def test_an_array_that_was_pickled_column_by_column():
    pixels, labels = cifar_batch(0)
    content = python2_pickle(pixels, labels).replace(b"tb\x89T", b"tb\x88T")
    content = content.replace(pixels.tobytes(), pixels.T.tobytes())
    read, _ = read_pickled_batch(content, 3072)
    assert (read == pixels).all()


def test_a_damaged_archive_is_named(tmp_path):
    path = archive(tmp_path / "cifar.tar.gz", "bin")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataDamaged, match=r"cifar\.tar\.gz can't be unpacked"):
        cifar10.read({path.name: path})
