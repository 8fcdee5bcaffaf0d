"""Finds the views: pictures of what a probe found in a model, one view a file.

A view turns what a probe found into lines of text, for a frame and a pen. It knows neither the
terminal nor torch: the app, `tutorch show` and the tests draw the same lines, for a run that trains
and for one that is over.
"""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_app.views.view import View

_FOLDER = Path(__file__).parent

#: Files of this folder that hold no view.
_NO_VIEWS = {"__init__", "view", "places", "offered"}


class UnknownView(Exception):
    """There is no view of that name. The message names those that exist."""


def view_names() -> tuple[str, ...]:
    """The names of all views. Imports none of them."""
    return tuple(sorted({path.stem for path in _FOLDER.glob("*.py")} - _NO_VIEWS))


def load_view(name: str) -> View:
    """The view of that name. Raises UnknownView."""
    if name.replace("-", "_") not in view_names():
        near = difflib.get_close_matches(name.replace("-", "_"), view_names(), n=3)
        hint = (
            f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(view_names())}"
        )
        raise UnknownView(f"no view is called {name!r}: {hint}")
    return importlib.import_module(f"tui_app.views.{name.replace('-', '_')}").VIEW
