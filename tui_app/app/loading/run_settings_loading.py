"""Loads the settings of a run for the form, in a thread: its lecture is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.user_files.trust import UntrustedSource
from tui_app.app.messages import RunSettingsFailed, RunSettingsRead
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import settings_for_form


def load_run_settings(
    folder: RunFolder, changes: Mapping[str, Any], done: str
) -> RunSettingsRead | RunSettingsFailed:
    """Return the settings of the run in `folder` with these changes, or why they can't be had."""
    try:
        path, settings = settings_for_form(folder)
    except (DamagedRun, UntrustedSource) as error:
        return RunSettingsFailed(folder, error, changes, done)
    return RunSettingsRead(path, {**settings, **changes}, done)
