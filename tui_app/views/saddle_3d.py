"""The cost with a saddle as a surface in space: down along one weight, up along the other."""

from __future__ import annotations

from tui_app.views.cost_surface_3d import draw, places
from tui_app.views.view import View

VIEW = View(
    "A saddle in 3-D", "saddle", draw, places, "angle", "a seed for the noise", is_example=True
)
