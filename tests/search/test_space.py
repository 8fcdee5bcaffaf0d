"""The settings of a trial: those without an effect are left out."""

from __future__ import annotations

from typing import Any

from models.lecture import Lecture
from tests.search.studies import record
from tui_app.runs.settings.variation import Choices, parse_variation


def test_settings_without_effect_are_left_out_of_a_trial(lecture: Lecture):
    vary = {
        name: parse_variation(lecture.fields[name], text)
        for name, text in (
            ("nesterov", "true|false"),
            ("momentum", "0..0.9"),
            ("optimizer", "sgd|adam"),
        )
    }
    space = record(lecture, vary=vary, fixed={"weight_decay": 0.1}).space(lecture)

    def choose(**values: Any) -> dict[str, Any]:
        return space.choose(lambda name, variation: values[name])

    assert choose(optimizer="adam") == {"optimizer": "adam", "weight_decay": 0.1}
    assert choose(optimizer="sgd", momentum=0.0) == {
        "optimizer": "sgd",
        "momentum": 0.0,
        "weight_decay": 0.1,
    }
    assert choose(optimizer="sgd", momentum=0.5, nesterov=True)["nesterov"] is True
    optimizers = {settings["optimizer"] for settings in space.corners()}
    assert optimizers == {"sgd", "adam"}


def test_a_fixed_setting_for_some_of_the_choices_is_left_out_for_the_others(lecture: Lecture):
    vary = {"optimizer": Choices(("adam", "sgd"))}
    space = record(lecture, vary=vary, fixed={"momentum": 0.9}).space(lecture)
    assert space.choose(lambda name, variation: "adam") == {"optimizer": "adam"}
    assert space.choose(lambda name, variation: "sgd")["momentum"] == 0.9
