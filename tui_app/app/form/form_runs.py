"""Resolves the runs that the texts of a form describe, and those that stand for a search."""

from __future__ import annotations

from collections.abc import Mapping

from models.fields import Field, InvalidValue
from models.lecture import Lecture
from tui_app.app.form.form_values import parse_form_text, variation_in
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.runs.settings.sweep import combinations
from tui_app.runs.settings.variation import Variation
from tui_app.search.space import Space


def sweep_runs(
    lecture: Lecture, fields: Mapping[str, Field], texts: Mapping[str, str], runs_dir: str
) -> list[RunSettings]:
    """Return a run for each combination of the values. Raises InvalidValue."""
    values = {name: parse_form_text(fields[name], text) for name, text in texts.items()}
    return [
        resolve_settings(lecture, {**chosen, "runs_dir": runs_dir})
        for chosen in combinations(values)
    ]


def search_examples(
    lecture: Lecture, fields: Mapping[str, Field], texts: Mapping[str, str], runs_dir: str
) -> list[RunSettings]:
    """Return a few runs of a search, with every choice and both ends of every range.

    Raises InvalidValue for settings that a search can't have.
    """
    vary, fixed, options = variations(lecture, fields, texts), {}, {"runs_dir": runs_dir}
    for name, text in texts.items():
        if name not in vary:
            (value,) = parse_form_text(fields[name], text)
            (fixed if name in lecture.fields else options)[name] = value
    if options.get("devices", 1) != 1:
        raise InvalidValue("devices: 1 in a search, whose trials train on one device", "devices")
    dataset = resolve_settings(lecture, options).dataset
    space = Space(lecture, dataset, vary, fixed)
    space.check()
    return [resolve_settings(lecture, {**options, **chosen}) for chosen in space.corners()]


def variations(
    lecture: Lecture, fields: Mapping[str, Field], texts: Mapping[str, str]
) -> dict[str, Variation]:
    """Return what a search varies, by name. Raises InvalidValue."""
    found = {name: variation_in(fields[name], text) for name, text in texts.items()}
    vary = {name: variation for name, variation in found.items() if variation is not None}
    for name in vary:
        if name not in lecture.fields:
            label = fields[name].label
            raise InvalidValue(
                f"{label}: one value in a search, which varies hyperparameters alone", name
            )
    return vary
