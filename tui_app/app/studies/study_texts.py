"""Writes the lines about a study and about one of its trials."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from datasets.own.names import short_name
from tui_app.app.studies.pictures.trial_marks import label_of
from tui_app.app.studies.pictures.trial_rows import metric_text, short_value
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.cells import cut
from tui_app.text.columns import Column
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_short

#: The states that are counted; the rest of the trials is completed.
_STATES = ("running", "waiting", "stopped", "pruned", "failed")


def title_of(name: str, study: StudySummary | None, searching: str) -> Text:
    """Name the study, what it trains, and who searches."""
    title = Text(f"Study {printable(name)}", "bold")
    if study is not None:
        lecture = study.lecture.removeprefix("lecture_").replace("_", " ")
        about = f"{searching} · {lecture}, {short_name(study.dataset)}"
        title.append(f"  {printable(about)}", "not bold")
    return title


def progress_of(study: StudySummary) -> Text:
    """Count the trials, and name the best."""
    counts = Counter(trial.state for trial in study.trials)
    text = Text(f"{len(study.trials)}/{max(study.total, len(study.trials))} trials")
    others = [f"{counts[state]} {state}" for state in _STATES if counts[state]]
    text.append(f": {', '.join(others)}" if others else "")
    if study.best is None:
        return text.append(" · none is completed yet")
    text.append(" · best ").append(metric_text(study, study.best), "bold")
    chosen_on = {"test": ", test set", "validation": ", validation"}.get(study.chosen_on, "")
    return text.append(f" (trial {study.best.number}{chosen_on})")


def about_trial(study: StudySummary, trial: TrialSummary, width: int) -> Text:
    """Write three lines about a trial: its settings, why it ended, and its run."""
    settings = "  ".join(
        f"{label_of(name)}={short_value(text)}" for name, text in trial.values.items()
    )
    reason = printable(" ".join(trial.reason.split()))
    if not reason.startswith(trial.state):
        reason = ": ".join(filter(None, (trial.state, reason)))
    lines = [
        Text(f"trial {trial.number}{', the best' if study.best == trial else ''}: {settings}"),
        Text(reason),
        Text(printable(str(trial.run)) if trial.run is not None else "It has no run yet.", "dim"),
    ]
    return Text("\n").join(cut(line, width) for line in lines)


#: The columns of the table of studies.
STUDY_COLUMNS = (
    Column("study", 9, 28),
    Column("lecture", 5, 8),
    Column("data", 3, 6),
    Column("trials", 7, right=True),
    Column("best", 8, right=True),
    Column("varies", 4, 10),
)


def study_cells(study: StudySummary) -> list[str]:
    """Write the row of a study in the columns of STUDY_COLUMNS."""
    best = study.best
    value = best.metric_value if best is not None else None
    return [
        printable(study.name),
        printable(study.lecture.removeprefix("lecture_").replace("_", " ")),
        printable(short_name(study.dataset)),
        str(len(study.trials)),
        "-" if value is None else format_short(study.metric, value),
        ", ".join(map(label_of, study.settings)),
    ]
