"""Declares the keys of all charts, and what each does to smoothing, scale and axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from textual.binding import Binding
from textual.containers import Vertical
from textual.reactive import reactive

from tui_app.monitoring.curves.picture import ChartView
from tui_app.monitoring.curves.smoothing import SPANS

_AXES = ("step", "epoch", "seconds")


class _Key(NamedTuple):
    keys: str
    description: str
    display: str | None = None


#: The keys of a chart, by action.
_KEYS = {
    "smooth(1)": _Key("plus,equals_sign", "Smoother", "+"),
    "smooth(-1)": _Key("minus,underscore", "Rougher", "-"),
    "log": _Key("g", "Log scale"),
    "axis": _Key("a", "x axis"),
    "panels": _Key("m", "Loss, accuracy"),
}


def chart_bindings(actions: Sequence[str], *, show: bool) -> list[Binding]:
    """The bindings of a chart for these of its actions; `show` lists them in the key bar."""
    return [_binding(action, action, show=show) for action in actions]


def screen_bindings(*, show: bool) -> list[Binding]:
    """The bindings of a screen whose `action_chart` passes all actions on to its chart."""
    return [_binding(action, _passed_on(action), show=show) for action in _KEYS]


def _binding(action: str, bound_to: str, *, show: bool) -> Binding:
    key = _KEYS[action]
    return Binding(key.keys, bound_to, key.description, show=show, key_display=key.display)


def _passed_on(action: str) -> str:
    name, _, arguments = action.removesuffix(")").partition("(")
    return f"chart({', '.join(filter(None, [repr(name), arguments]))})"


def action_of_chart(action: str) -> str:
    """The action that a screen passes on: `chart('smooth', 1)` is the chart's `smooth(1)`."""
    return next((own for own in _KEYS if _passed_on(own) == action), action)


class AdjustableChart(Vertical, can_focus=True):
    """A chart that is redrawn whenever the user changes how it is drawn."""

    view: reactive[ChartView] = reactive(ChartView(), init=False)

    def draw(self) -> None:
        """Draw what there is, as `view` says."""
        raise NotImplementedError

    def watch_view(self) -> None:
        """Redraw after each change."""
        self.draw()

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self.call_after_refresh(self.draw)

    def action_smooth(self, by: int) -> None:
        """Smooth over more values, or fewer."""
        index = min(max(0, SPANS.index(self.view.span) + by), len(SPANS) - 1)
        self.view = replace(self.view, span=SPANS[index])

    def action_log(self) -> None:
        """Switch the loss axis to a logarithmic scale, or back."""
        self.view = replace(self.view, log=not self.view.log)

    def action_axis(self) -> None:
        """Switch the x axis: steps, epochs, seconds."""
        following = _AXES[(_AXES.index(self.view.axis) + 1) % len(_AXES)]
        self.view = replace(self.view, axis=following)
