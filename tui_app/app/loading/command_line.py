"""Says which settings of the command line hold for a lecture that is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.fields import fields_of
from models.lecture import Lecture
from tui_app.runs.settings.run_options import TABLE_OPTIONS, RunOptions


@dataclass(frozen=True)
class CommandLine:
    """The settings `given` on the command line, and the file of the lecture they were given for."""

    path: Path
    given: Mapping[str, Any]

    def settings_for(self, lecture: Lecture) -> dict[str, Any]:
        """Return the settings that hold for `lecture`: all of them for the lecture they were given
        for; for another one the run options, such as the device, and the data set if it has it.
        """
        if lecture.path == self.path:
            return dict(self.given)
        settings = run_options_of(self.given)
        if str(self.given.get("dataset", "")) in lecture.datasets:
            settings["dataset"] = self.given["dataset"]
        return settings


def run_options_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the settings that mean the same for every lecture."""
    names = fields_of(RunOptions).keys() - {"dataset", *TABLE_OPTIONS}
    return {name: value for name, value in settings.items() if name in names}
