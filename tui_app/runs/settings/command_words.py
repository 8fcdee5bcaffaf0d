"""Writes the words of a command line that trains with exactly given settings.

A process of its own trains with them: they name every setting, defaults too, so that neither
tutorch.toml nor a TUTORCH_* variable changes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.fields import fields_of
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import RunSettings


def training_words(settings: RunSettings) -> list[str]:
    """The lecture and all its settings, to follow `tutorch --no-tui`. The folder of runs, which
    `--run-folder` names too, is left out.
    """
    lecture = settings.lecture
    named = lecture.name if lecture.source is None else str(lecture.path.absolute())
    relevant = lecture.relevant_settings(settings.hyperparameters)
    words = [
        lecture.fields[name].flag + f"={lecture.fields[name].format(value)}"
        for name, value in relevant.items()
    ]
    options = {name: value for name, value in vars(settings.options).items() if name != "runs_dir"}
    return [named, *words, *option_words(options)]


def option_words(options: Mapping[str, Any]) -> list[str]:
    """The words that give these RunOptions, by name: `--devices=2`."""
    fields = fields_of(RunOptions)
    return [f"{fields[name].flag}={fields[name].format(value)}" for name, value in options.items()]
