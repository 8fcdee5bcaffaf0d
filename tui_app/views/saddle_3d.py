"""Draws the cost with a saddle point as a surface in space."""

from __future__ import annotations

from tui_app.views.cost_surface_3d import draw, places
from tui_app.views.view import View

VIEW = View(
    "A saddle in 3-D", "saddle", draw, places, "angle", "a seed for the noise", is_example=True
)
