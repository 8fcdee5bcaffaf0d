"""The columns of the user's table: numbers, text or left out, and how their cells are read."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets import DataDamaged, UnknownDataset, get_dataset, read_dataset
from datasets.own.column_names import column_list, column_names
from datasets.own.columns import ColumnReport, describe_columns
from datasets.reading.cell_numbers import is_number, read_number, whole_number
from datasets.reading.progress import LoadingStopped, ProgressReporter
from datasets.reading.tables import read_table
from tests.program import train, tutorch
from tests.tolerances import FLOAT32


def write(path: Path, *lines: str, encoding: str = "utf-8") -> str:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return f"csv:{path}"


def reports(tmp_path: Path, *lines: str, target: str = "y") -> dict[str, ColumnReport]:
    """The reports of the columns of a file with these lines."""
    write(tmp_path / "t.csv", *lines)
    return {
        report.name: report for report in describe_columns(read_table(tmp_path / "t.csv"), target)
    }


def column(tmp_path: Path, *cells: str, name: str = "x") -> ColumnReport:
    """The report of a column of these cells, beside a number and a target."""
    lines = [f'"{cell}",{n % 7 / 2},{n % 2}' for n, cell in enumerate(cells)]
    return reports(tmp_path, f"{name},other,y", *lines)[name]


def titanic(path: Path) -> str:
    """891 made-up passengers in the format of Kaggle's train.csv."""
    draw = random.Random(0)
    names = "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked"
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names.split(","))
    for number in range(1, 892):
        sex = draw.choice(["male", "male", "female"])
        ticket = str(100_000 + number % 681 * 400)
        if number % 681 % 4 == 0:
            ticket = f"{('A/5', 'PC', 'STON/O 2.')[number % 3]} {ticket}"
        age = "" if draw.random() < 0.2 else draw.choice([str(draw.randrange(1, 75)), "0.42"])
        cabin = f"{draw.choice('ABC')}{draw.randrange(99)}" if draw.random() < 0.23 else ""
        port = "" if number in (62, 830) else draw.choice("SCQ")
        survived = int(draw.random() < (0.74 if sex == "female" else 0.19))
        name = f'Surname{number % 600}, Mrs. {number} (Given "Nick")'
        fare = f"{draw.uniform(4, 500):.4f}"
        fields = (draw.choice("123"), name, sex, age, draw.randrange(4), draw.randrange(3))
        writer.writerow([number, survived, *fields, ticket, fare, cabin, port])
    path.write_bytes(text.getvalue().encode())
    return f"csv:{path}"


@pytest.mark.parametrize("lecture", ["07_multiple", "08_titanic", "09_softmax"])
def test_kaggles_titanic_trains_unchanged(tmp_path, lecture):
    data = titanic(tmp_path / "train.csv")
    ended = tutorch("--no-tui", lecture, "--dataset", data, "--target", "Survived", "--epochs", 2)
    assert ended.exit_code == 0, ended.err
    for note in (
        "PassengerId is left out: it is an identifier",
        "Name is left out: it is an identifier",
        "Ticket is left out: it has",
        "Cabin is left out: it has",
        "Age: missing values are filled with",
    ):
        assert note in ended.err
    assert read_dataset(data, target="Survived").spec.input_shape == (10,)


def test_identifiers_are_left_out(tmp_path):
    lines = [
        f"{n + 1000},{n * n * 7},u{n},{n / 3},{1990 + n},{n * n + 5},{n % 9},{n % 2}"
        for n in range(40)
    ]
    found = reports(tmp_path, "no,PassengerId,who,measured,year,people,shop_id,y", *lines)
    left_out = {name for name, report in found.items() if report.kind == "left out"}
    assert left_out == {"no", "PassengerId", "who"}
    assert all("identifier" in found[name].reason for name in left_out)
    assert {found[name].kind for name in ("measured", "year", "people", "shop_id")} == {"number"}


def test_whole_numbers_are_kept_when_no_other_input_is_left(tmp_path):
    name = write(tmp_path / "t.csv", "hours,points", *[f"{n},{n * 2.5}" for n in range(1, 9)])
    data = read_dataset(name, target="points")
    assert data.spec.input_shape == (1,)
    assert data.spec.task == "regression"


def test_a_mixed_column_is_text_and_a_few_odd_cells_are_mistakes(tmp_path):
    numbers = [str(n * n % 31) for n in range(100)]
    assert column(tmp_path, *numbers).kind == "number"
    mixed = column(tmp_path, *["0", "1", "2", "3+"] * 25)
    assert (mixed.kind, mixed.width) == ("text", 4)
    assert "75 % of its cells are numbers" in mixed.reason
    ticket = column(tmp_path, *[n if i % 4 else f"PC {i}" for i, n in enumerate(numbers)])
    assert ticket.kind == "left out"
    assert "75 % of its cells are numbers" in ticket.reason
    typing = column(tmp_path, *numbers[:96], "12 5", "1O", "x", "y")
    assert typing.kind == "number"
    assert "except '12 5' and 3 more" in typing.reason
    words = r"line 98, column 'x': '12 5' is not a number, and neither are 3 more"
    with pytest.raises(DataDamaged, match=words):
        read_dataset(f"csv:{tmp_path}/t.csv", target="y")
    read_dataset(f"csv:{tmp_path}/t.csv", target="y", drop="x")


def test_words_for_unknown_in_a_column_of_numbers_are_missing_values(tmp_path):
    report = column(tmp_path, *["1", "-", "2", "N/a", "3.5", "None"] * 5)
    assert (report.kind, report.missing) == ("number", 15)


@pytest.mark.parametrize(
    ("cell", "point", "comma"),
    [
        ("-1.5e3", -1500, None),
        ("3,5", None, 3.5),
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("1,234,567.25", 1234567.25, None),
        ("1.234.567,25", None, 1234567.25),
        ("1 234", 1234, 1234),
        ("1\u202f234\u202f567", 1234567, 1234567),
        ("-12'345.5", -12345.5, None),
        ("12’345,5", None, 12345.5),
        ("0,123", None, 0.123),
        ("1,23,456", None, None),
        ("1,234 567", None, None),
        ("1_000", None, None),
        ("12%", None, None),
        ("²", None, None),
        ("inf", None, None),
        ("1e999", None, None),
        ("", None, None),
    ],
)
def test_numbers_are_read_in_two_notations(cell, point, comma):
    assert read_number(cell) == point
    assert read_number(cell, ",") == comma
    assert is_number(cell) == (cell in ("-1.5e3", "1.234"))
    assert whole_number(cell) is None


@pytest.mark.parametrize(
    ("lines", "value", "note"),
    [
        (["x;u;y", "3,5;2;0", "4,25;3;1"], 3.5, "x: 3,5 is read as 3.5"),
        (["x;u;y", "1.234,5;2;0", "1;3;1"], 1234.5, "x: 1.234,5 is read as 1234.5"),
        (["x,u,y", '"1,234",2,0', '"5,678",3,1'], 1234, "x: 1,234 is read as 1234"),
        (["x;u;y", "1,234;2;0", "5,678;3;1"], 1.234, "x: 1,234 is read as 1.234"),
        (["x;u;y", "1,234;2.5;0", "5,678;3;1"], 1234, "x: 1,234 is read as 1234"),
        (["x;u;y", "1.234;2,5;0", "5.678;3;1"], 1234, "x: 1.234 is read as 1234"),
        (["x;u;y", "1.234;2.5;0", "5.678;3;1"], 1.234, ""),
        (["x\tu\ty", "1 234\t2\t0", "5 678\t3\t1"], 1234, "x: 1 234 is read as 1234"),
    ],
)
def test_decimal_commas_and_signs_between_thousands(tmp_path, lines, value, note):
    name = write(tmp_path / "t.csv", lines[0], *lines[1:] * 10)
    data = read_dataset(name, target="y")
    x, _ = data.train.inputs[data.train.targets.ravel() == 0][0]
    mean, std = data.scales["x"]
    assert x * std + mean == pytest.approx(value, rel=FLOAT32)
    assert [said for said in data.notes if said.startswith("x:")] == [note] * bool(note)


def test_a_target_with_decimal_commas(tmp_path):
    name = write(tmp_path / "t.csv", "x;price", *[f"{n * n % 17};{n},5" for n in range(30)])
    data = read_dataset(name, target="price")
    assert data.spec.task == "regression"
    assert set(data.train.targets.ravel()) < {n + 0.5 for n in range(30)}
    assert "price: 0,5 is read as 0.5" in data.notes


def test_equal_numbers_are_one_class(tmp_path):
    cells = ["0", "-0", "0.0", "1", "1.0", "01"]
    name = write(tmp_path / "t.csv", "x,y", *[f"{n % 7},{cells[n % 6]}" for n in range(60)])
    data = read_dataset(name, target="y")
    assert data.spec.classes == ("0", "1")
    assert data.train.targets.mean() == 0.5
    large = [f"{n % 7},{1234567890123 + n % 2}" for n in range(60)]
    data = read_dataset(write(tmp_path / "u.csv", "x,y", *large), target="y")
    assert data.spec.classes == ("1234567890123", "1234567890124")


CHINESE = ["花萼长度,颜色,种类", *["5.1,红,玫瑰", "4.9,蓝,郁金香", "6.3,红,郁金香"] * 10]


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("gbk", "GB18030"),
        ("gb18030", "GB18030"),
        ("utf-16", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-8-sig", ""),
    ],
)
def test_chinese_tables_are_read_as_spreadsheets_save_them(tmp_path, encoding, title):
    data = read_dataset(write(tmp_path / "花.csv", *CHINESE, encoding=encoding), target="种类")
    assert data.spec.classes == ("玫瑰", "郁金香")
    assert data.encode("5,蓝").shape == (3,)
    assert [note for note in data.notes if "is read as" in note] == (
        [f"花.csv is read as {title}{' (GBK)' * (title == 'GB18030')}"] if title else []
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x,y\n1,été\n2,être\n".encode("cp1252"), "line 2: byte 0xE9 isn't UTF-8"),
        ("größe,länge\n1,2\n".encode("cp1252"), "line 1: byte 0xF6 isn't UTF-8"),
        ("x,y\n1,2\n".encode("utf-16-le"), "line 1 has a byte 0"),
        (b"x,y\n" + b"1,2\n" * 300_000 + b"1,\xff\xff\n", "line 300002: byte 0xFF"),
        ("x,y\n1,2\n".encode("utf-16")[:-1], "can't be read"),
    ],
)
def test_text_in_an_unknown_encoding_is_refused_with_its_line(tmp_path, content, told):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataDamaged, match=told):
        read_dataset(f"csv:{tmp_path}/t.csv", target="y")


def test_packed_tables(tmp_path):
    lines = "".join(["x,y\n", *(f"{n * n % 13},{n % 2}\n" for n in range(40))]).encode()
    (tmp_path / "t.csv").write_bytes(lines)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(lines))
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", lines)
        archive.writestr("test.csv", b"x\n1\n")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", lines)
        archive.writestr("b.csv", lines)
    plain = read_dataset(f"csv:{tmp_path}/t.csv", target="y").fingerprint()
    for name in ("t.csv.gz", "t.zip"):
        assert read_dataset(f"csv:{tmp_path}/{name}", target="y").fingerprint() == plain
    with pytest.raises(DataDamaged, match=r"has 2 files, and none of them is called train\.csv"):
        read_dataset(f"csv:{tmp_path}/two.zip", target="y")


def flowers(tmp_path: Path) -> str:
    rows = [f"{n},{n % 20 / 10},{n % 7},{'ab'[n % 2]},{n // 20}" for n in range(40)]
    return write(tmp_path / "flowers.csv", 'id,length,"height, cm",colour,kind', *rows)


def test_columns_are_dropped_or_chosen(tmp_path):
    name = flowers(tmp_path)

    def inputs(**choice: str) -> list[str]:
        said = read_dataset(name, target="kind", **choice).input_help  # pyright: ignore[reportArgumentType]
        return said.removesuffix(" (? if unknown)").split(", ")

    assert inputs() == ["length", "height", "cm", "colour"]
    assert inputs(drop='colour,"height, cm"') == ["length"]
    assert inputs(columns="colour, length") == ["length", "colour"]
    assert inputs(columns="id,colour") == ["id", "colour"], "what is named is used"
    names = ("height, cm", 'a "quoted" one', "plain")
    assert column_names(column_list(names)) == names
    assert column_list(()) == ""


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"drop": "lenght"}, "--drop: .* has no column 'lenght': did you mean length?"),
        ({"columns": "xyz"}, "no column 'xyz': there are id, length, height, cm, colour"),
        ({"drop": "kind"}, "--drop: kind is the target"),
        ({"columns": "length,kind"}, "--columns: kind is the target"),
        ({"drop": "id", "columns": "length"}, "give only one of the two"),
        ({"drop": 'id,length,"height, cm",colour'}, "--drop leaves no column"),
    ],
)
def test_a_wrong_choice_of_columns_is_refused_in_a_sentence(tmp_path, choice, told):
    with pytest.raises(UnknownDataset, match=told):
        get_dataset(flowers(tmp_path), target="kind", **choice)
    with pytest.raises(UnknownDataset, match="needs csv:FILE"):
        get_dataset("digits", **choice)


def test_text_with_a_comma_is_typed_in_quotes(tmp_path):
    texts = ('"left, up"', "right")
    rows = [f"{texts[n % 2]},{n % 7},{n % 2}" for n in range(40)]
    data = read_dataset(write(tmp_path / "t.csv", "where,x,y", *rows), target="y")
    assert data.encode('"left, up",3')[:2].tolist() == [1, 0]
    with pytest.raises(ValueError, match="where is one of left, up, right, not 'left'"):
        data.encode("left,3")


def test_a_run_keeps_its_choice_of_columns(tmp_path):
    argv = ("05", "--dataset", flowers(tmp_path), "--target", "length", "--epochs", 2)
    folder = train(*argv, "--drop", 'colour,"height, cm"', "--columns", "")
    assert tutorch("resume", folder, "--epochs", 3, "--no-tui").exit_code == 0
    evaluated = tutorch("evaluate", folder)
    assert evaluated.exit_code == 0, evaluated.err
    shown = [line.rstrip().split(maxsplit=1) for line in tutorch("show", folder).out.splitlines()]
    assert ["target", "length"] in shown
    assert ["drop", 'colour,"height, cm"'] in shown
    wrong = tutorch("--no-tui", *argv, "--drop", "colours")
    assert wrong.exit_code == 2
    assert "did you mean colour?" in wrong.err


def test_runs_of_a_sweep_that_drop_other_columns_read_other_data(tmp_path):
    argv = ("softmax", "--dataset", flowers(tmp_path), "--target", "kind", "--epochs", 1)
    ended = tutorch("--no-tui", *argv, "--sweep", "drop=colour,length")
    assert ended.exit_code == 0, ended.err


def test_a_wide_table_is_read_in_linear_time_with_few_notes(tmp_path):
    names = [f"c{n}" for n in range(5000)]
    rows = np.random.RandomState(0).standard_normal((12, len(names))).round(2)
    lines = [",".join(map(str, row)) + f",{n % 2}" for n, row in enumerate(rows)]
    name = write(tmp_path / "wide.csv", ",".join(names) + ",y", *lines)
    data = read_dataset(name, target="y")
    assert data.spec.input_shape == (5000,)
    mean, std = data.scales["c4999"]
    values = data.train.inputs[:, 4999] * std + mean
    assert np.isin(values.round(2), rows[:, 4999].astype(np.float32)).all()
    assert len(data.input_help) < 400
    with pytest.raises(UnknownDataset) as refusal:
        get_dataset(name, target="z")
    assert len(str(refusal.value)) < 500


class Counted(str):
    """A column name that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_finding_a_column_doesnt_compare_it_with_all_others(tmp_path):
    write(tmp_path / "t.csv", ",".join(f"c{n}" for n in range(300)), ",".join("1" * 300))
    table = read_table(tmp_path / "t.csv")
    Counted.comparisons = 0
    for name in table.columns:
        table.texts(Counted(name))
    assert Counted.comparisons <= 2 * len(table.columns)


def test_long_texts_are_held_in_memory_once(tmp_path):
    long = "x" * 100_000
    lines = [f"{long if n == 0 else 'ab'[n % 2]},{n % 2}" for n in range(1000)]
    name = write(tmp_path / "t.csv", "text,y", *lines)
    tracemalloc.start()
    data = read_dataset(name, target="y")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.spec.input_shape == (3,)
    assert most < 20e6, "an array of texts would give each row the room of the longest, 400 MB"


@pytest.mark.parametrize("action", ["reading", "checking", "describing", "measuring", "encoding"])
def test_every_step_of_reading_a_table_stops_on_request(tmp_path, action):
    rows = [",".join(str((n * k) % 89 / 8) for k in range(1, 60)) + f",{n % 2}" for n in range(900)]
    head = ",".join(f"c{n}" for n in range(1, 60))
    name = write(tmp_path / "t.csv", f"{head},y", *rows)
    begun: set[str] = set()
    reporter = ProgressReporter(
        lambda progress: begun.add(progress.action), lambda: action in begun
    )
    with pytest.raises(LoadingStopped):
        read_dataset(name, reporter=reporter, target="y")
    assert action in begun


def test_no_control_code_of_a_table_reaches_the_terminal(tmp_path):
    rows = [f"{n % 7},\x1b]0;{n}\x07,{'ab'[n % 2]}\x1b[2J" for n in range(40)]
    name = write(tmp_path / "t.csv", "x,\x1b[31mwho,kind", *rows)
    for extra in ((), ("--drop", "\x1b[31mwh"), ("--drop", "\x1b[31mwho")):
        tutorch("--no-tui", "softmax", "--dataset", name, "--target", "kind", "--epochs", 1, *extra)


def test_numbers_too_large_to_be_scaled_are_refused_with_their_column(tmp_path):
    rows = [f"{n}.5,{n % 2}e200,{n % 2}" for n in range(20)]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(["a,b,y", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(DataDamaged, match="column 'b' has numbers too large to be scaled"):
        read_dataset(f"csv:{path}", target="y")
