"""Draws a cost with a saddle point, where gradient descent without noise stops."""

from __future__ import annotations

from tui_app.views.cost_surface import draw
from tui_app.views.shared.descents import places
from tui_app.views.view import View

VIEW = View(
    "A saddle",
    "saddle",
    draw,
    places,
    "step",
    "a seed for the noise",
    overview="last",
    is_example=True,
)
