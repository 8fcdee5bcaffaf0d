"""A cost with two minima: which one a descent finds depends on where it starts."""

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
