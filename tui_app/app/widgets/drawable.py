"""Says whether a widget can be drawn now: timers and threads may call too early or too late."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from textual.widget import Widget

W = TypeVar("W", bound=Widget)
P = ParamSpec("P")


def is_drawable(widget: Widget) -> bool:
    """Whether `widget` and all that it composes are mounted, and its screen isn't being removed.

    Textual mounts a widget's children after the widget, in tasks of their own, and removes them
    before it. A query for them fails before and after.
    """
    return widget.is_mounted and widget.is_attached and widget.screen.display


def while_drawable(
    draw: Callable[Concatenate[W, P], None],
) -> Callable[Concatenate[W, P], None]:
    """Decorate a method that draws into a widget: do nothing while the widget isn't drawable."""

    @wraps(draw)
    def draw_if_drawable(widget: W, *args: P.args, **kwargs: P.kwargs) -> None:
        if is_drawable(widget):
            draw(widget, *args, **kwargs)

    return draw_if_drawable
