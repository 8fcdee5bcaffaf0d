"""Adds the user's own data to the choices of the form's data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tui_app.text.escaping import printable

if TYPE_CHECKING:
    from tui_app.app.own_data.own_data import OwnData

_LABELS = {"csv": "your own table (CSV) ...", "folder": "your own images (folder) ..."}

#: The values that open a dialog instead of naming a data set, with the kind of data it picks.
PICKS = {f"{kind}:": kind for kind in _LABELS}


def picks(kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Return the choices that open a dialog for these kinds of data: labels and values."""
    return [(_LABELS[kind], f"{kind}:") for kind in kinds]


def with_own_data(
    choices: Sequence[tuple[str, str]], known: Mapping[str, OwnData]
) -> list[tuple[str, str]]:
    """Return a lecture's choices with the user's known data of the kinds it learns from, before
    those that open a dialog.
    """
    kinds = tuple(value for _, value in choices if value in PICKS)
    own = [(printable(data.label), name) for name, data in known.items() if name.startswith(kinds)]
    own = own if kinds else []
    sets = [choice for choice in choices if choice[1] not in PICKS]
    return [*sets, *own, *(choice for choice in choices if choice[1] in PICKS)]
