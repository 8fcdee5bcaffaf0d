"""A cost with a saddle: where gradients end that no noise moves."""

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
