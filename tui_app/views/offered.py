"""Chooses the views of a model: those that its lecture names, or all that suit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_app.views import load_view, view_names
from tui_app.views.view import View

if TYPE_CHECKING:
    from tui_app.inspection.probes.traits import Traits

#: Has no picture: what its probe finds decides which of the others are offered.
TRAITS = View("Traits", "traits", lambda found, frame: [])

#: The view that every model has, before all others.
FIRST = "data"

#: The order of the views where a lecture names none: what the model learned, what the user can try,
#: what the model is made of.
_ORDER = (
    "cost_curve", "cost_surface", "cost_surface_3d", "fitted_line", "probability_curve",
    "boundary", "confusion", "words", "by_class", "drawing", "by_hand", "answer", "mistakes",
    "samples", "changes", "softmax", "feature_maps", "kernels", "graph", "layers", "gradients",
    "activations", "one_by_one", "four_steps",
)  # fmt: skip


def offered(traits: Traits) -> tuple[str, ...]:
    """The views to offer, the data first."""
    if traits.views:
        return (FIRST, *(name for name in traits.views if load_view(name).suits(traits)))
    general = [name for name in view_names() if not load_view(name).is_example and name != FIRST]
    general.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    return (FIRST, *(name for name in general if load_view(name).suits(traits)))
