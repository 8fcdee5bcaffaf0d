"""Chooses which view of a model is shown, until the user does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui_app.views import load_view
from tui_app.views.offered import FIRST


class ViewChoice:
    """The names of a model's views, and the chosen one; empty until the views are known."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.chosen = ""
        self._requested = ""
        self._candidates: list[str] = []

    @property
    def titles(self) -> list[tuple[str, str]]:
        """Name and title of each view."""
        return [(name, load_view(name).title) for name in self.names]

    def set_names(self, names: Sequence[str], *, is_trained: bool) -> None:
        """Choose among these views: the requested one, else the one chosen before, else the first
        of those that suit the model.
        """
        self.names = tuple(names)
        if self._requested in self.names:
            self.choose(self._requested)
        elif self.chosen not in self.names:
            self._candidates = self._suitable(is_trained=is_trained)
            self.chosen = self._candidates.pop(0)

    def _suitable(self, *, is_trained: bool) -> list[str]:
        """The views to show before the user chooses one, best first. Before training: moving the
        weights by hand, and the data; then what was learned.
        """
        by_hand = [name for name in self.names if load_view(name).query_after_key is not None]
        if not is_trained:
            return [*by_hand, FIRST]
        return [*(name for name in self.names if name not in (FIRST, *by_hand)), FIRST]

    def choose(self, name: str) -> None:
        """Choose a view for the user."""
        self.chosen, self._requested = name, ""
        self._candidates.clear()

    def request(self, name: str) -> None:
        """Choose a view now, or else once the model has it."""
        if name in self.names:
            self.choose(name)
        self._requested = name

    def after(self, by: int) -> str:
        """The name of the view this many after the chosen one."""
        return self.names[(self.names.index(self.chosen) + by) % len(self.names)]

    def reject(self, found: Any) -> bool:
        """Choose the next suitable view if the chosen one can't draw what its probe found; whether
        it did. A view that the user chose is kept.
        """
        if not self._candidates:
            return False
        if load_view(self.chosen).can_draw(found):
            self._candidates.clear()
            return False
        self.chosen = self._candidates.pop(0)
        return True
