"""Tests the contract of every lecture; a new file in models/ needs no new test."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from datasets import Data, get_dataset, read_dataset
from models import Lesson, find_lecture, lecture_names, read_lesson
from models.lecture import Hyperparameters, Lecture, OnlyWith, Range
from models.loading.load import load_lecture
from tests.program import begin, few_samples, take_up
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training import prepare

#: Few steps and epochs, but enough to stop a run before the end of its last epoch.
STEPS, EPOCHS = 2, 3

EVENTS = {"started", "steps", "epoch", "best", "checkpoint due", "checkpoint", "completed"}
EVENTS |= {"advice"}  # some choices get advice


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(name: str, *_: object, **chosen: Any) -> Data:
        return read_few(name, **chosen)

    monkeypatch.setattr(prepare, "read_dataset", read)


@functools.cache
def read_few(name: str, **chosen: Any) -> Data:
    return few_samples(read_dataset(name, **chosen))


@pytest.fixture(params=lecture_names())
def lecture(request: pytest.FixtureRequest) -> Lecture:
    return load_lecture(find_lecture(request.param))


def bundled(lecture: Lecture) -> list[str]:
    return [name for name in lecture.datasets if not get_dataset(name).files]


def choices(lecture: Lecture, *, own: bool) -> Iterator[dict[str, Any]]:
    """Each value of each field with fixed values, with the settings that give it an effect.

    Either of the lecture's own fields, or of those that all lectures have.
    """
    for name, field in lecture.fields.items():
        if (name in Hyperparameters.__dataclass_fields__) is not own:
            for value in field.choices or ((True, False) if field.kind is bool else ()):
                needed = {rule.field: allowed_by(rule) for rule in field.only_with}
                yield {**needed, name: (value,) if field.is_tuple else value}


def allowed_by(rule: OnlyWith) -> Any:
    """A value that `rule` requires of its field: of a range, one within it."""
    return 0.5 if isinstance(rule.values, Range) else rule.values[0]


def test_it_trains_stops_and_resumes_exactly_with_every_data_set_and_choice(
    lecture: Lecture, tmp_path: Path
):
    """A run that is stopped and resumed has the same bits as one that isn't stopped."""
    variants = [{"dataset": name} for name in bundled(lecture)] + list(choices(lecture, own=True))
    if not bundled(lecture):
        pytest.skip("none of its data sets comes without a download")
    for variant in variants:
        given = {"dataset": bundled(lecture)[0], "epochs": EPOCHS, **variant}
        if "batch_size" in lecture.fields:
            given["batch_size"] = 12
        whole = begin(lecture.name, tmp_path, **given)
        assert whole.completed.exit_code == 0, whole.completed.reason
        assert_in_order(whole.events)
        assert all(map(math.isfinite, whole.losses))
        assert len(whole.losses) == whole.completed.step

        stopped = begin(lecture.name, tmp_path, stop_after=STEPS, **given)
        assert (stopped.completed.state, stopped.completed.step) == ("stopped", STEPS)
        resumed = take_up(stopped.session)
        assert stopped.losses + resumed.losses == whole.losses
        assert stopped.epoch_values + resumed.epoch_values == whole.epoch_values
        assert_same_weights(whole.session.training.model, resumed.session.training.model)
        assert resumed.completed.best_value == whole.completed.best_value

        best = torch.load(whole.session.folder.best(), weights_only=True)
        assert list(best) == list(whole.session.training.model.state_dict())
        whole.session.training.model.load_state_dict(best)


def test_it_trains_with_every_choice_that_all_lectures_have(lecture: Lecture, tmp_path: Path):
    small = {"batch_size": 4} if "batch_size" in lecture.fields else {}
    for given in ({**small, **choice} for choice in choices(lecture, own=False)):
        for dataset in bundled(lecture)[:1]:
            run = begin(lecture.name, tmp_path, stop_after=2, dataset=dataset, **given)
            assert run.completed.exit_code == 0, f"{given}: {run.completed.reason}"
            assert len(run.losses) == 2
            assert all(map(math.isfinite, run.losses))


def assert_in_order(events: list[Any]) -> None:
    """The events are in order: no step is missing, each epoch follows its steps."""
    kinds = [event.kind for event in events]
    assert set(kinds) <= EVENTS
    assert kinds[0] == "started"
    assert kinds[-1] == "completed"
    assert {"steps", "epoch", "best", "checkpoint"} <= set(kinds)
    step = epoch = saved = 0
    for event in events:
        if event.kind == "steps":
            assert (event.epoch, event.first_step) == (epoch + 1, step + 1)
            step += len(event.losses)
        elif event.kind == "epoch":
            epoch += 1
            assert (event.epoch, event.step) == (epoch, step)
        elif event.kind == "best":
            assert (event.epoch, event.step) == (epoch, step)
        elif event.kind == "checkpoint":  # written while training goes on
            assert saved <= event.step <= step
            saved = event.step
    assert (events[-1].epoch, events[-1].step) == (events[0].epochs, step)
    assert saved == step


def assert_same_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for (name, tensor), (_, same) in zip(
        one.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert torch.equal(tensor, same), name


def test_it_has_a_lesson_in_english_and_in_chinese(lecture: Lecture):
    lesson: Lesson = read_lesson(lecture.path)
    assert (lesson.title, lesson.title_zh) == (lecture.title, lecture.title_zh)
    assert lesson.title.isascii()
    assert len(lesson.text) > 500
    assert lecture.path.with_name("zh").joinpath(f"{lecture.name}.md").is_file()
    assert sum(map(has_chinese, lesson.text_zh)) > 150
    for text in (lesson.text, lesson.text_zh):  # both have command lines to try
        assert "tutorch" in text


def has_chinese(text: str) -> bool:
    return any("一" <= char <= "鿿" for char in text)


def test_its_declaration_is_consistent(lecture: Lecture):
    assert len(set(lecture.datasets)) == len(lecture.datasets)
    assert set(lecture.unused) <= set(asdict(lecture.hyperparameters))
    assert not set(lecture.fields) & set(RunOptions.__dataclass_fields__)
    for field in lecture.fields.values():
        assert field.help, field.name
        assert field.parse(field.format(field.default)) == field.default
    for dataset in lecture.datasets:
        get_dataset(dataset)
        settled = lecture.resolve(dataset, {})
        for name, value in lecture.relevant_settings(settled).items():
            assert lecture.fields[name].check(value) == value
    for key, override in lecture.overrides.items():
        name, equals, choice = key.partition("=")
        assert (
            lecture.fields[name].parse(choice) is not None if equals else name in lecture.datasets
        )
        for name, value in override.items():
            assert lecture.fields[name].check(value) == value


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("lecture_09_softmax_classifier", 575_050), ("lecture_10_basic_cnn", 8_490)],
)
def test_the_models_are_the_size_that_the_course_gives(name: str, parameters: int, tmp_path: Path):
    run = begin(name, tmp_path, stop_after=1)
    assert vars(run.events[0])["parameters"] == parameters
