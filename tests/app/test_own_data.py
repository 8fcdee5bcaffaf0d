"""The user's own data in the app: picked in dialogs, shown before training, set in the form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.widgets import Input

from datasets import DataDamaged, read_dataset
from datasets.own import preview
from datasets.own.preview import preview_table
from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.app.test_settings import row_of
from tests.pilot import Sitting, in_app
from tests.program import train, tutorch
from tui_app.app.dialogs import pick_path
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.dialogs.folder_dialog import FolderDialog
from tui_app.app.dialogs.pick_path import PickPath
from tui_app.app.dialogs.table_dialog import TableDialog
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.own_data.column_selection import ColumnSelection
from tui_app.app.own_data.data_check import problem_with
from tui_app.app.own_data.folder_listing import Entry, Listing
from tui_app.app.own_data.own_data import OwnData
from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.image_area import ImageArea
from tui_app.app.widgets.setting_row import SEVERAL
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import settings_for_form
from tui_app.training.data.suitable_data import kinds_of_own_data

HEADER = "id,length,colour,weight,kind"


def write_flowers(path: Path) -> Path:
    """Forty rows: kind follows from length."""
    rows = [
        f"{n},{n / 10},{('red', 'blue')[n % 2]},{n % 7},{('rose', 'tulip')[n >= 20]}"
        for n in range(40)
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def write_pets(folder: Path) -> Path:
    """Two classes of colour images, of six and four."""
    random = np.random.RandomState(0)
    for name, count in (("cat", 6), ("dog", 4)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.randint(0, 255, (28, 28, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


async def shown(person: Sitting, kind: type) -> None:
    await person.until(lambda: isinstance(person.app.screen, kind) and person.app.screen.is_mounted)


async def write(person: Sitting, text: str) -> None:
    """Put a text into the field with the focus at once: each key takes a moment."""
    field = person.focused()
    assert isinstance(field, Input)
    field.value = text
    field.cursor_position = len(text)
    await person.pilot.pause()


# From the keyboard


@in_app("07", size=(80, 24), epochs=2)
async def test_a_table_is_picked_shown_and_trained_with_the_keyboard_alone(
    person: Sitting, tmp_path: Path
):
    path = write_flowers(tmp_path / "flowers.csv")
    await person.press("3")
    choice = row_of(person, "dataset").query_one(ChoiceField)
    choice.choose("csv:")  # "your own table" in the list
    await shown(person, PickPath)
    await person.until(lambda: "flowers.csv" in person.text)
    await person.press("f", "l", "enter")
    await shown(person, TableDialog)
    await person.until(lambda: "40 rows, 5 columns" in person.text)
    assert "Which column is to be predicted?" in person.text
    assert [column in person.text for column in HEADER.split(",")] == [True] * 5
    await person.press("enter")  # the last column is at the cursor
    await person.until(lambda: "rose (20), tulip (20)" in person.sentence)
    await person.press("enter")
    await person.until(lambda: "csv:flowers.csv → kind" in person.text)
    assert row_of(person, "target").text == "kind"
    assert person.app.data_folder == path.parent
    await person.until(lambda: person.form.can_start)
    await person.press("ctrl+z")
    await person.until(lambda: "csv:flowers.csv" not in person.text)
    await person.press("ctrl+r")
    await person.until(lambda: "csv:flowers.csv → kind" in person.text)
    person.app.main.action_start()
    await person.trained()
    assert person.history.info.dataset == f"csv:{path}"
    assert person.history.completed.state == "completed"


@in_app("10_basic", size=(80, 24))
async def test_images_are_picked_as_a_folder_and_shown(person: Sitting, tmp_path: Path):
    pets = write_pets(tmp_path / "pets")
    await person.press("p")  # lecture 10 learns from no table: nothing to choose from
    await shown(person, PickPath)
    await person.type("pe")
    await person.until(lambda: "pets/" in person.text)
    await person.press("enter")
    await person.until(lambda: "Use this folder (2 folders: cat, dog)" in person.sentence)
    await person.press("enter")
    await shown(person, FolderDialog)
    await person.until(lambda: "10 images in 2 classes" in person.text)
    assert "28 x 28, colour" in person.text
    picture = person.app.screen.query_one(ImageArea)
    await person.until(lambda: "0.png" in picture.label and picture.pixels is not None)
    await person.press("right")
    await person.until(lambda: "1.png" in picture.label)
    await person.press("down")
    await person.until(lambda: "0.png" in picture.label)
    await person.press("enter")
    await person.until(lambda: "folder:pets" in person.text)
    assert person.draft.dataset == f"folder:{pets}"
    assert "target" not in person.draft.texts


@in_app("07")
async def test_a_name_is_typed_and_the_target_asked_for(
    person: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write_flowers(tmp_path / "flowers.csv")
    row = row_of(person, "dataset")
    row.query_one(ChoiceField).choose(SEVERAL)
    await person.until(lambda: isinstance(person.focused(), Input))
    await write(person, "csv:~/flower.csv")
    await person.until(lambda: "there is no such file" in row.problem)
    await write(person, "csv:~/flowers.csv")
    await person.until(lambda: "needs --target: which of" in row_of(person, "target").problem)
    await person.press("enter")
    await shown(person, TableDialog)
    await person.until(lambda: "40 rows" in person.text)
    await person.press("enter", "enter")
    await person.until(lambda: "csv:flowers.csv → kind" in person.text)
    assert person.draft.runs()[0].dataset == f"csv:{path}"


# What is wrong


@in_app("07", dataset="csv:flowers.csv", target="colour")
async def test_the_problem_with_a_file_is_shown_in_its_row_until_it_is_mended(
    person: Sitting, tmp_path: Path
):
    row, target = row_of(person, "dataset"), row_of(person, "target")
    await person.until(lambda: "there is no such file" in row.problem)
    assert not person.form.can_start
    (tmp_path / "flowers.csv").write_text("\x1b[31mred,b\n1,2\n")
    target.focus_field()
    await person.until(lambda: "\\x1b[31mred," in person.text)
    path = write_flowers(tmp_path / "flowers.csv")
    row.focus_field()
    await person.until(lambda: not row.problem and person.form.can_start)
    target.focus_field()
    await person.until(lambda: target.has_focus_within)
    await write(person, "color")
    await person.until(lambda: "has no column 'color': which of colour" in target.problem)
    await write(person, "weight")
    await person.until(lambda: "7 different values in 40 rows" in row.problem)
    path.write_text("x,y\n1,2\n1\n")
    await person.press("enter")
    await person.until(lambda: "line 3 has 1 cells" in row.problem)


@pytest.mark.parametrize(
    ("lecture", "data", "said"),
    [
        ("10_basic", "csv:t.csv", "lecture_10_basic_cnn can't train on a table"),
        ("07", "folder:pets", "can't train on a folder of images: lectures 9 to 11 can"),
        ("12", "csv:t.csv", "lecture_12_rnn_basics can't train on a table"),
    ],
)
def test_a_lecture_refuses_what_it_cannot_learn_from_as_headless_does(lecture, data, said):
    draft = SettingsDraft(load_lecture(find_lecture(lecture)), "runs", {"dataset": data})
    assert said in draft.problems()["dataset"]
    ended = tutorch("--no-tui", lecture, "--dataset", data, "--target", "y")
    assert ended.exit_code == 2
    assert draft.problems()["dataset"] in ended.err


def test_lectures_offer_what_their_models_take():
    offered = {
        name: kinds_of_own_data(load_lecture(find_lecture(name))) for name in lecture_names()
    }
    by_number: dict[int, set[str]] = {}
    for name, kinds in offered.items():
        by_number.setdefault(int(name.split("_")[1]), set()).update(kinds)
    tables = {number for number, kinds in by_number.items() if "csv" in kinds}
    images = {number for number, kinds in by_number.items() if "folder" in kinds}
    assert (tables, images) == (set(range(2, 10)), {9, 10, 11})


@in_app("12")
async def test_a_lecture_that_learns_from_neither_offers_neither(person: Sitting):
    values = [value for _, value in row_of(person, "dataset").query_one(ChoiceField).actions]
    assert values == [SEVERAL]
    await person.press("p")
    await person.until(lambda: any("neither from a table" in said for said in person.said))


@in_app("02", dataset="csv:flowers.csv", target="length")
async def test_a_lecture_of_one_input_says_which_columns_are_too_many(
    person: Sitting, tmp_path: Path
):
    write_flowers(tmp_path / "flowers.csv")
    await person.press("p")
    await shown(person, ChoiceQuestion)
    await person.press("p")
    await shown(person, TableDialog)
    await person.until(lambda: "trains on one column of numbers" in person.sentence)


# The list of files


@in_app("07", size=(80, 24))
async def test_names_of_files_are_text_of_others(person: Sitting, tmp_path: Path):
    for name in ("\x1b[31mred.csv", "[bold]b.csv", "[red]", ".hidden.csv", "note.md"):
        (tmp_path / name).write_text("")
    person.app.main.pick_data("csv")
    await shown(person, PickPath)
    await person.until(lambda: "\\x1b[31mred.csv" in person.text)
    assert "\x1b" not in person.text
    assert "[bold]b.csv" in person.text
    assert ".hidden.csv" not in person.text
    assert "note.md" not in person.text
    await person.press("full_stop", "h")
    await person.until(lambda: ".hidden.csv" in person.text)
    await person.press("backspace", "backspace", "ctrl+t")
    await person.until(lambda: "note.md" in person.text)
    await person.type("red")
    await person.until(lambda: "note.md" not in person.text)
    await person.press("enter")
    await person.until(lambda: "rename it" in person.sentence)
    await person.press("escape")
    await person.until(lambda: not isinstance(person.app.screen, PickPath))
    assert person.draft.texts == {}


@in_app("07", size=(80, 24))
async def test_a_folder_that_cannot_be_read_says_so(person: Sitting, tmp_path: Path):
    write_flowers(tmp_path / "t.csv")
    person.app.main.pick_data("csv")
    await shown(person, PickPath)
    await person.until(lambda: "t.csv" in person.text)
    await write(person, f"{tmp_path / 't.csv'}/")
    await person.until(lambda: "Not a directory" in person.sentence)
    await person.press("backspace")  # a folder goes as one
    await person.until(lambda: "1 file" in person.text)
    await write(person, f"{tmp_path}/nothing")
    await person.press("enter")
    await person.until(lambda: "nothing called 'nothing'" in person.sentence)


@in_app("07", size=(80, 24))
async def test_of_very_many_files_the_one_that_is_typed_is_found(
    person: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entries = tuple(Entry(f"f{n:06}.csv", "table", n, f"f{n:06}.csv") for n in range(100_000))

    def list_folder(folder: Path, **_: object) -> Listing:
        return Listing(folder, entries)

    monkeypatch.setattr(pick_path, "list_folder", list_folder)
    person.app.main.pick_data("csv")
    await shown(person, PickPath)
    await person.until(lambda: "100000 files" in person.text)
    await person.press("up", "pageup")
    await person.press("pagedown", "pagedown")
    await person.until(lambda: "f000025.csv" in person.text)
    await write(person, f"{tmp_path}/99999")
    await person.until(lambda: "f099999.csv" in person.text)


# What is carried where


def test_a_run_of_the_users_own_table_is_set_up_again_with_its_target(tmp_path: Path):
    path = write_flowers(tmp_path / "flowers.csv")
    folder = train("07", "--epochs", 1, "--dataset", f"csv:{path}", "--target", "kind")
    lecture, given = settings_for_form(RunFolder(folder))
    draft = SettingsDraft(load_lecture(lecture), "runs", given)
    assert draft.own_data == OwnData(f"csv:{path}", "kind")
    assert draft.runs()[0].options.target == "kind"


@in_app("07", dataset="csv:flowers.csv", target="kind")
async def test_other_lectures_offer_the_users_data_with_their_target(
    person: Sitting, tmp_path: Path
):
    path = write_flowers(tmp_path / "flowers.csv")
    await person.app.main.fill_form(find_lecture("softmax"), {})
    await person.until(lambda: person.is_ready and "softmax" in person.draft.lecture.name)
    choice = row_of(person, "dataset").query_one(ChoiceField)
    assert ("csv:flowers.csv → kind", f"csv:{path}") in choice.choices
    choice.choose(f"csv:{path}")
    await person.until(lambda: row_of(person, "target").text == "kind")
    choice.choose("digits")
    await person.until(lambda: not row_of(person, "target").display)
    assert person.draft.runs()[0].options.target == ""


@in_app("07", size=(80, 24))
async def test_the_palette_opens_the_dialog(person: Sitting):
    await person.press("ctrl+p")
    await person.type("own table")
    await person.until(lambda: "Learn from your own table" in person.text)
    await person.press("down", "enter")
    await shown(person, PickPath)


# What is read, and what is said of the columns


def test_of_a_large_table_the_beginning_is_read_alone(tmp_path: Path, monkeypatch):
    path = write_flowers(tmp_path / "flowers.csv")
    rows = "\n".join(f"{n},{n / 10},red,1,rose" for n in range(40, 4000))
    path.write_text(f"{path.read_text()}{rows}\nbroken\n", encoding="utf-8")
    with pytest.raises(DataDamaged):
        preview_table(path)
    monkeypatch.setattr(preview, "MOST_BYTES", 10_000)
    part = preview_table(path)
    assert not part.is_whole
    assert 200 < len(part.table) < 600
    assert part.rows == pytest.approx(4000, rel=0.1)  # lines differ in length
    assert part.table.path == path
    monkeypatch.setattr(preview, "MOST_ROWS", 30)
    assert len(preview_table(path).table) == 30
    utf_16 = tmp_path / "utf-16.csv"
    utf_16.write_text(path.read_text(), encoding="utf-16")
    assert preview_table(utf_16).table.columns == tuple(HEADER.split(","))


def test_a_mistake_in_the_beginning_is_named_with_the_users_file(tmp_path: Path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n1\n" + "1,2\n" * 500)
    monkeypatch.setattr(preview, "MOST_BYTES", 100)
    with pytest.raises(DataDamaged, match=f"^{path}, line 3 has 1 cells"):
        preview_table(path)


def selection(tmp_path: Path, **chosen: str) -> ColumnSelection:
    path = write_flowers(tmp_path / "flowers.csv")
    return ColumnSelection(OwnData(f"csv:{path}", **chosen), preview_table(path))


def test_columns_are_left_out_by_name_until_one_is_wanted_that_numbers_the_rows(tmp_path: Path):
    chosen = selection(tmp_path, target="kind")
    assert [chosen.role(name) for name in HEADER.split(",")] == [
        *("left out", "number", "text", "number", "target")
    ]
    assert "number of the row" in chosen.reason("id")
    assert "is the target" in chosen.toggle("kind")
    assert not chosen.toggle("colour")
    assert chosen.reason("colour") == "left out by you"
    assert (chosen.result.drop, chosen.result.columns) == ("colour", "")
    assert not chosen.toggle("id")
    assert (chosen.result.drop, chosen.result.columns) == ("", "id,length,weight")
    again = selection(tmp_path, **{k: v for k, v in vars(chosen.result).items() if k != "dataset"})
    assert again.used == chosen.used == ["id", "length", "weight"]
    assert not again.toggle("colour")
    assert again.result.columns == "id,length,colour,weight"


def test_a_column_is_used_again_as_often_as_one_likes(tmp_path: Path):
    chosen = selection(tmp_path, target="kind")
    for _ in range(3):  # of which the second leaves it out
        assert not chosen.toggle("id")
    assert chosen.role("id") == "number"
    assert chosen.result.columns == "id,length,colour,weight"


def test_what_is_chosen_is_what_training_learns_from(tmp_path: Path):
    chosen = selection(tmp_path, target="weight", drop="colour")
    chosen.predict("kind")
    data = chosen.result
    found = read_dataset(data.dataset, target=data.target, drop=data.drop, columns=data.columns)
    assert found.spec.input_shape == (chosen.inputs,) == (2,)


@in_app("07", size=(80, 24))
async def test_columns_are_left_out_and_used_in_the_dialog(person: Sitting, tmp_path: Path):
    path = write_flowers(tmp_path / "flowers.csv")
    person.app.main.show_data(OwnData(f"csv:{path}", "kind"))
    await shown(person, TableDialog)
    await person.until(lambda: "from 4 inputs" in person.text)
    await person.press("home", "down", "down", "space")  # colour, which makes two
    await person.until(lambda: "from 2 inputs" in person.text and "left out by you" in person.text)
    await person.press("enter")
    await person.until(lambda: row_of(person, "drop").text == "colour")
    assert person.draft.runs()[0].options.drop == "colour"


def test_a_folder_without_classes_is_refused_before_training(tmp_path: Path):
    lecture = load_lecture(find_lecture("softmax"))
    pets = write_pets(tmp_path / "pets")
    assert problem_with(OwnData(f"folder:{pets}"), lecture, lambda: False) is None
    problem = problem_with(OwnData(f"folder:{pets / 'cat'}"), lecture, lambda: False)
    assert problem is not None
    assert (problem.field, "two classes or more" in str(problem)) == ("dataset", True)
