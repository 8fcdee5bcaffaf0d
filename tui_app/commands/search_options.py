"""Declares what `tutorch search` takes besides the settings of a lecture."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Annotated, Any

import tyro

from tui_app.search.record import PRUNERS, Pruner


def _shown(metavar: str, default: str = "") -> Any:
    """How the help shows an option: its value, and its default."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=default)


@dataclass
class Search:
    """Search for the best hyperparameters of a lecture. Each trial is an ordinary run; trials that
    look worse than the others are stopped early. With --study NAME alone, go on with a study: from
    any number of terminals, all at once.
    """

    lecture: Annotated[tyro.conf.Positional[str], _shown("LECTURE")] = ""
    """A part of the lecture's name, or the path of a file. Leave it out to go on with --study."""

    vary: Annotated[
        tyro.conf.UseAppendAction[list[str]], _shown("FIELD=VALUES", "(repeatable)")
    ] = field(default_factory=list)
    """A hyperparameter that varies: FIELD=A|B|C are choices, FIELD=LOW..HIGH is a range, and
    FIELD=LOW..HIGH:log one on a logarithmic scale. All others have the value of their own option.
    """

    trials: Annotated[int | None, _shown("N", "(default: 20)")] = None
    """How many trials the study has in the end, by all workers together. A larger number lets a
    study go on."""

    study: Annotated[str, _shown("NAME")] = ""
    """The name of the study; without it, one is made of the lecture and what varies."""

    storage: Annotated[str, _shown("URL")] = ""
    """Where the study is kept: the URL of a database (postgresql://..., mysql://...) or of Optuna's
    proxy (grpc://HOST:PORT), for several machines. The default is a file in the runs folder. The
    variable TUTORCH_STORAGE is better for a URL with a password."""

    pruner: Annotated[Pruner | None, _shown("|".join(PRUNERS), f"(default: {PRUNERS[0]})")] = None
    """Which trials are stopped early: those below the median of the others after the same epoch,
    those that Hyperband gives no more epochs, or none."""

    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Processes that train trials here, each on a card of its own where there are several."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print a JSON line for each trial that ends on stdout, and nothing else there."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print no progress."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the lecture's file if it isn't yours: it runs, now and until it changes."""


#: The help begins with it.
DESCRIPTION = inspect.getdoc(Search) or ""
