"""What the list of data sets in the form offers of the user's own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tui_app.text.escaping import printable

if TYPE_CHECKING:
    from tui_app.app.own_data.own_data import OwnData

_LABELS = {"csv": "your own table (CSV) ...", "folder": "your own images (folder) ..."}

#: The values that aren't a data set, but ask for the dialog that picks one.
PICKS = {f"{kind}:": kind for kind in _LABELS}


def picks(kinds: Iterable[str]) -> list[tuple[str, str]]:
    """The choices, as label and value, that pick data of these kinds."""
    return [(_LABELS[kind], f"{kind}:") for kind in kinds]


def with_own_data(
    choices: Sequence[tuple[str, str]], known: Mapping[str, OwnData]
) -> list[tuple[str, str]]:
    """The choices of a lecture, with the user's own data that it can learn from before those that
    pick others.
    """
    kinds = tuple(value for _, value in choices if value in PICKS)
    own = [(printable(data.label), name) for name, data in known.items() if name.startswith(kinds)]
    own = own if kinds else []
    sets = [choice for choice in choices if choice[1] not in PICKS]
    return [*sets, *own, *(choice for choice in choices if choice[1] in PICKS)]
