"""Turns the form's settings into the command that searches among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from models.fields import InvalidValue
from tui_app.app.form.form_runs import variations
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.runs.settings.configuration import settings_in_effect
from tui_app.search.record import PRUNERS
from tui_app.search.storage import default_study_name


@dataclass(frozen=True)
class SearchChoice:
    """What is chosen for a search besides its settings."""

    name: str
    trials: int = 20
    pruner: str = PRUNERS[0]


@dataclass(frozen=True)
class SearchRequest:
    """A search: the file of its lecture, the settings that vary, and those that don't, as texts."""

    lecture: Path
    varied: Mapping[str, str]
    fixed: Mapping[str, str]
    choice: SearchChoice

    def words(self, runs_dir: Path) -> list[str]:
        """Return the words of the command after `tutorch`."""
        return [
            "search",
            str(self.lecture),
            f"--study={self.choice.name}",
            f"--trials={self.choice.trials}",
            f"--pruner={self.choice.pruner}",
            f"--runs-dir={runs_dir}",
            *(f"--vary={name}={text}" for name, text in self.varied.items()),
            *(f"--{name.replace('_', '-')}={text}" for name, text in self.fixed.items()),
        ]


def continue_words(name: str, runs_dir: Path, trials: int = 0) -> list[str]:
    """Return the words of the command that goes on with a study, after `tutorch`; `trials` is the
    number that it is to have in all, 0 for as many as it has.
    """
    more = [f"--trials={trials}"] if trials else []
    return ["search", f"--study={name}", *more, f"--runs-dir={runs_dir}"]


def search_log(name: str, runs_dir: Path) -> Path:
    """Return the file for what a search prints, beside the journal of its study."""
    return runs_dir / "studies" / f"{name}.txt"


def search_request(draft: SettingsDraft, choice: SearchChoice) -> SearchRequest:
    """Return the search that the form describes."""
    varied = varied_texts(draft)
    configured: list[str] = []
    with suppress(InvalidValue):  # the command says what is wrong with them
        configured = list(settings_in_effect(draft.fields, draft.lecture.name))
    # What is configured is named too: the form may have set it back to the lecture's default.
    names = dict.fromkeys([*draft.useful_texts, *filter(draft.is_useful, configured)])
    fixed = {name: draft.text(name).strip() for name in names if name not in varied}
    return SearchRequest(draft.lecture.path, varied, fixed, choice)


def varied_texts(draft: SettingsDraft) -> dict[str, str]:
    """Return the settings that vary, by name, as `--vary` reads them. Raises InvalidValue."""
    vary = variations(draft.lecture, draft.fields, draft.useful_texts)
    return {name: str(variation) for name, variation in vary.items()}


def default_name(draft: SettingsDraft, taken: Collection[str]) -> str:
    """Return a name that no study has."""
    name = default_study_name(draft.lecture.name, varied_texts(draft))[:60]
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbers) if each not in taken)
