"""The charts and rows of a study: what is where, in every width, in ASCII, with odd values."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from tests.app.study_samples import sample_study, sample_trial
from tui_app.app.studies.pictures.metric_axis import metric_axis
from tui_app.app.studies.pictures.setting_scatter import setting_axis
from tui_app.app.studies.pictures.study_pictures import IMPORTANCE, draw_study, pages
from tui_app.app.studies.pictures.trial_marks import best_so_far
from tui_app.app.studies.pictures.trial_rows import (
    ordered_trials,
    short_value,
    trial_cells,
    trial_columns,
)
from tui_app.app.studies.study_texts import about_trial, progress_of
from tui_app.drawing.pen import Pen
from tui_app.runs.settings.variation import Choices, Span
from tui_app.text.columns import aligned, fitted_widths, natural_widths


def drawn(page: str = "lr", columns: int = 78, ascii_only: bool = False, **values):
    study = sample_study(**values)
    lines = draw_study(study, page, None, columns, 12, Pen(ascii=ascii_only))
    return [line.plain for line in lines]


@pytest.mark.parametrize("columns", [50, 78, 110, 158])
@pytest.mark.parametrize("page", ["lr", "widths", IMPORTANCE])
def test_charts_fit_and_name_what_they_show(page, columns):
    if page not in pages(sample_study(), columns):
        return
    lines = drawn(page, columns)
    assert len(lines) == 12
    assert all(cell_len(line) == columns for line in lines)
    assert "best test accuracy" in lines[0]
    title = {"lr": "by lr", "widths": "by widths", IMPORTANCE: "importance"}[page]
    assert title in lines[0] or columns == 50
    assert ("importance" in lines[0]) == (page == IMPORTANCE or columns >= 110)
    assert "◆" in "".join(lines)


def test_in_ascii_only_ascii_is_drawn():
    text = "".join(drawn("lr", 158, ascii_only=True))
    assert text.isascii()
    assert all(sign in text for sign in "*ox+#")


@pytest.mark.parametrize(
    "values",
    [
        {"trials": ()},
        {"trials": (sample_trial(0, state="running", metric_value=None),)},
        {"trials": (sample_trial(0),)},
        {"trials": tuple(sample_trial(n, metric_value=0.5) for n in range(3))},
        {"trials": tuple(sample_trial(n, metric_value=v) for n, v in enumerate((math.inf, 1e300)))},
        {"trials": (sample_trial(0, values={"lr": "text", "widths": "no choice"}),)},
        {"trials": (sample_trial(0, values={}),), "importance": None},
        {"settings": {}, "trials": (sample_trial(0),)},
        {"settings": {"lr": Span(1.0, 2.0), "epochs": Span(1, 50, is_whole=True)}},
    ],
    ids=["empty", "begun", "one", "alike", "huge", "unknown", "without", "nothing", "other"],
)
def test_whatever_a_study_holds_is_drawn(values):
    study = sample_study(**values)
    for columns in (60, 120):
        for page in pages(study, columns) or [IMPORTANCE]:
            draw_study(study, page, next(iter(study.trials), None), columns, 9, Pen())
    rows = [trial_cells(study, trial) for trial in study.trials]
    assert all(len(row) == len(trial_columns(study)) for row in rows)
    assert progress_of(study).plain


def test_the_best_line_falls_for_a_loss_and_rises_for_an_accuracy():
    assert [trial.number for trial in best_so_far(sample_study())] == [0, 1]
    losses = sample_study(metric="test_loss", higher_is_better=False)
    numbers = [trial.number for trial in best_so_far(losses)]
    values = [losses.trials[n].metric_value or math.inf for n in numbers]
    assert values == sorted(values, reverse=True)
    assert losses.best is not None
    assert numbers[-1] == losses.best.number


def test_a_few_bad_losses_dont_flatten_the_others():
    made = [sample_trial(n, metric_value=0.1 + n / 100) for n in range(20)]
    bad = [sample_trial(20, metric_value=1e9)]
    axis = metric_axis(
        sample_study(metric="test_loss", higher_is_better=False, trials=tuple(made + bad))
    )
    assert not axis.is_log
    assert axis.high < 0.4
    assert axis.place(1e9) == axis.high
    wide = [sample_trial(n, metric_value=10.0**-n) for n in range(6)]
    axis = metric_axis(sample_study(metric="test_loss", higher_is_better=False, trials=tuple(wide)))
    assert axis.is_log
    assert axis.place(1e-5) == pytest.approx(-5, abs=1e-9)


def test_a_setting_lies_on_its_axis():
    axis = setting_axis(Span(1e-4, 1.0, is_log=True))
    assert axis.place("0.01") == pytest.approx(-2, abs=1e-9)
    assert axis.place("0") is None
    assert axis.place("-") is None
    assert {"1e-4", "0.01", "1"} <= {text for _, text in axis.ticks(60)}
    axis = setting_axis(Choices(("sgd", "adam", "rmsprop")))
    assert axis.place("adam") == pytest.approx(1, abs=1e-9)
    assert axis.place("lbfgs") is None
    assert [text for _, text in axis.ticks(40)] == ["sgd", "adam", "rmsprop"]
    assert all(len(text) <= 3 for _, text in axis.ticks(12))


@pytest.mark.parametrize("room", [40, 75, 150])
def test_the_table_fits_and_drops_the_least_important_setting_first(room):
    names = {f"setting_number_{n}": Span(0.0, 1.0) for n in range(5)}
    values = dict.fromkeys(names, "0.123456789")
    study = sample_study(
        settings=names,
        trials=(sample_trial(0, values=values),),
        importance={name: n / 10 for n, name in enumerate(names)},
    )
    columns = trial_columns(study)
    rows = [[column.title for column in columns], trial_cells(study, study.trials[0])]
    widths = fitted_widths(columns, natural_widths(rows), room)
    assert all(cell_len(aligned(columns, row, widths)) <= room for row in rows)
    kept = [column.title for column, width in zip(columns, widths, strict=True) if width]
    assert {"trial", "test acc.", "epoch", "state"} <= set(kept)
    settings = [title for title in kept if title.startswith("setting")]
    assert settings == [f"setting number {n}" for n in range(5)][5 - len(settings) :]
    assert len(settings) == 5 or room < 150


def test_trials_are_ordered_by_number_or_by_the_metric():
    study = sample_study()
    assert [trial.number for trial in ordered_trials(study, best_first=False)][:2] == [13, 12]
    best = ordered_trials(study, best_first=True)
    assert best[0] == study.best
    assert best[-1].metric_value is None


def test_texts_of_a_trial_reach_no_terminal_as_markup_or_control_codes():
    study = sample_study()
    text = about_trial(study, study.trials[6], 60).plain
    assert "\x1b" not in text
    assert "failed" in text
    assert "[bold]nan[/bold]\\x1b" in text
    assert all(cell_len(line) <= 60 for line in text.splitlines())
    trial = sample_trial(0, values={"lr": "\x1b[2J", "widths": "a\nb"})
    assert all(char.isprintable() for cell in trial_cells(study, trial) for char in cell)
    assert all(char.isprintable() for char in about_trial(study, trial, 60).plain.split("\n")[0])


@pytest.mark.parametrize(
    ("text", "short"),
    [("0.0031622776601683795", "0.003162"), ("512,256", "512,256"), ("full", "full"), ("64", "64")],
)
def test_a_value_is_written_with_few_digits(text, short):
    assert short_value(text) == short
