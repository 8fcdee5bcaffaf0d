"""Draws a cost with two minima: the start of a descent decides which one it finds."""

from __future__ import annotations

from tui_app.views.cost_surface import draw
from tui_app.views.shared.descents import places
from tui_app.views.view import View

VIEW = View(
    "Two minima",
    "two_minima",
    draw,
    places,
    "step",
    "a seed for the noise",
    overview="last",
    is_example=True,
)
